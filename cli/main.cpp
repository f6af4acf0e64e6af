#include <exception>
#include <iostream>

#include "cli/app.hpp"

int main(int argc, char** argv) {
  try {
    return herd::cli::run({argv + 1, argv + argc}, std::cout, std::cerr, herd::cli::real_terminal());
  } catch (const std::exception& error) {
    std::cerr << "herdctl: " << error.what() << "\n";
    return herd::cli::kRefused;
  }
}

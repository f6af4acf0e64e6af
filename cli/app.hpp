// The herdctl command line.
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"

namespace herd::cli {

/// `arguments` without the program's name. Returns the exit code (exit_code.hpp).
int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err, const Terminal& terminal);

}  // namespace herd::cli

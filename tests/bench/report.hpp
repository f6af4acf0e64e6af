// What was measured, as a table for people and as one JSON file.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tests/bench/measure.hpp"

namespace herd::bench {

struct Measured {
  std::string name;
  Row row;
};

void print_table(std::ostream& out, const std::vector<Measured>& rows);
/// Makes the file's directory where it is missing.
Status write_json(const std::string& file, const std::vector<Measured>& rows);

}  // namespace herd::bench

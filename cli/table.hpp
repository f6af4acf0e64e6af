// Columns that line up, and "name  value" lists. Lines are cut to the terminal's width, and only to a
// terminal's.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.hpp"

namespace herd::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(Context& context) const;

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

void print_fields(Context& context, const std::vector<std::pair<std::string, std::string>>& fields);
/// One line, cut where the terminal ends.
void print_line(Context& context, const std::string& line);

}  // namespace herd::cli

#include "cli/table.hpp"

#include <algorithm>

namespace herd::cli {
namespace {

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

/// Characters, not bytes. (Double-width ones are rare here and taken as one.)
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string cut(const std::string& text, std::size_t columns) {
  if (columns == 0 || width_of(text) <= columns) return text;
  std::size_t seen = 0, end = 0;
  while (end < text.size()) {
    if (starts_character(text[end]) && seen++ == columns - 1) break;
    ++end;
  }
  return text.substr(0, end) + "\u2026";
}

std::string joined(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - width_of(cells[i]) + 2, ' ');
  }
  return line;
}

}  // namespace

void print_line(Context& context, const std::string& line) {
  context.out << cut(line, static_cast<std::size_t>(std::max(0, context.terminal.columns))) << "\n";
}

void Table::print(Context& context) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headers_.size(); ++i) {
    std::size_t widest = width_of(headers_[i]);
    for (const auto& row : rows_) widest = std::max(widest, width_of(row[i]));
    widths.push_back(widest);
  }
  if (context.terminal.colours) context.out << "\x1b[1m";
  print_line(context, joined(headers_, widths));
  if (context.terminal.colours) context.out << "\x1b[0m";
  for (const auto& row : rows_) print_line(context, joined(row, widths));
}

void print_fields(Context& context, const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t widest = 0;
  for (const auto& [name, value] : fields) widest = std::max(widest, width_of(name));
  for (const auto& [name, value] : fields)
    print_line(context, name + std::string(widest - width_of(name) + 2, ' ') + value);
}

}  // namespace herd::cli

// What is wrong in a config file, each with its place: all of them are gathered before anyone is told.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace herd::config {

struct Issue {
  std::string file;
  int line = 0;         // 0: the file as a whole
  std::string pointer;  // JSON pointer; empty: the document as a whole
  std::string message;  // what was found, what was expected
  bool operator==(const Issue&) const = default;
};

/// "file:line: /pointer: message", without the parts that are not there.
std::string to_text(const Issue& issue);
/// One a line.
std::string to_text(const std::vector<Issue>& issues);

/// No file is so interesting that more of its issues should be read at once.
constexpr std::size_t kMaxIssuesPerFile = 100;

/// The issues of one file.
class Issues {
 public:
  explicit Issues(std::string file) : file_(std::move(file)) {}

  void add(int line, std::string pointer, std::string message);
  [[nodiscard]] bool empty() const { return issues_.empty(); }
  /// True where an issue stands at this pointer, above it or below it: what was read there can't be relied
  /// on.
  [[nodiscard]] bool touches(std::string_view pointer) const;
  /// In the order of the file's lines; says so where there were more than kMaxIssuesPerFile.
  [[nodiscard]] std::vector<Issue> take() &&;

 private:
  std::string file_;
  std::vector<Issue> issues_;
  std::size_t dropped_ = 0;
};

/// Where a value stands and where its problems go.
struct Place {
  Issues& issues;
  std::string pointer;
  int line = 0;

  void refuse(std::string message) const { issues.add(line, pointer, std::move(message)); }
};

}  // namespace herd::config

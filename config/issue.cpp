#include "config/issue.hpp"

#include <algorithm>

namespace herd::config {

std::string to_text(const Issue& issue) {
  std::string out = issue.file;
  if (issue.line > 0) out += ":" + std::to_string(issue.line);
  if (!issue.pointer.empty()) out += ": " + issue.pointer;
  return out + ": " + issue.message;
}

std::string to_text(const std::vector<Issue>& issues) {
  std::string out;
  for (const Issue& issue : issues) out += to_text(issue) + "\n";
  return out;
}

void Issues::add(int line, std::string pointer, std::string message) {
  if (issues_.size() >= kMaxIssuesPerFile) {
    ++dropped_;
    return;
  }
  issues_.push_back({file_, line, std::move(pointer), std::move(message)});
}

bool Issues::touches(std::string_view pointer) const {
  const auto at_or_below = [](std::string_view inner, std::string_view outer) {
    return inner.substr(0, outer.size()) == outer &&
           (inner.size() == outer.size() || inner[outer.size()] == '/');
  };
  return std::any_of(issues_.begin(), issues_.end(), [&](const Issue& issue) {
    return at_or_below(issue.pointer, pointer) || at_or_below(pointer, issue.pointer);
  });
}

std::vector<Issue> Issues::take() && {
  std::stable_sort(issues_.begin(), issues_.end(),
                   [](const Issue& a, const Issue& b) { return a.line < b.line; });
  if (dropped_ > 0) {
    issues_.push_back(
        {file_, 0, "", std::to_string(dropped_) + " more issues are not shown; mend these first"});
  }
  return std::move(issues_);
}

}  // namespace herd::config

#include "cli/record/provenance.hpp"

#include <charconv>

namespace herd::record {
namespace {

constexpr std::string_view kMark = "recorded by herdctl seccomp record: ";

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string cut(std::string text, std::size_t length) {
  if (text.size() <= length) return text;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;  // whole UTF-8
  text.resize(length);
  return text + "...";
}

/// The number at the front, and the word behind it, with or without its plural's s; takes them off.
bool take_counted(std::string_view& text, std::string_view what, std::uint64_t& count) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (!text.starts_with(" ") || !text.substr(1).starts_with(what)) return false;
  text.remove_prefix(1 + what.size());
  if (text.starts_with("s")) text.remove_prefix(1);
  return true;
}

}  // namespace

std::string Provenance::to_text() const {
  std::string text = name.empty() ? "" : name + ", ";
  text += std::string(kMark) + counted(runs, "run") + ", " + counted(calls, "call");
  return history.empty() ? text : text + "; " + history;
}

Provenance Provenance::parse(std::string_view comment) {
  const std::size_t mark = comment.find(kMark);
  if (mark == std::string_view::npos) return {};
  Provenance found;
  if (mark > 2) found.name = comment.substr(0, mark - 2);  // ", "
  std::string_view rest = comment.substr(mark + kMark.size());
  if (!take_counted(rest, "run", found.runs) || !rest.starts_with(", ")) return {};
  rest.remove_prefix(2);
  if (!take_counted(rest, "call", found.calls)) return {};
  if (rest.starts_with("; ")) found.history = rest.substr(2);
  return found;
}

void Provenance::add(const Provenance& earlier) {
  if (name.empty()) name = earlier.name;
  runs += earlier.runs;
  calls += earlier.calls;
  if (earlier.history.empty()) return;
  history = cut((history.empty() ? "" : history + "; ") + earlier.history, kMaxHistory);
}

Provenance provenance_of(const Run& run) {
  std::string command;
  for (const std::string& word : run.command) command += (command.empty() ? "" : " ") + word;
  return {"", 1, run.calls,
          run.time + ", herd " + run.herd + ", Linux " + run.kernel + ", " + run.arch + ", " +
              counted(run.calls, "call") + ": " + cut(command, kMaxCommandText)};
}

}  // namespace herd::record

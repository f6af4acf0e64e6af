#include "config/text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace herd::config {
namespace {

constexpr std::size_t kShownLength = 64;

/// Escaped as in a JSON string, without the quotes; ASCII only, so a cut inside a UTF-8 sequence does no
/// harm.
std::string shown(std::string_view text) {
  const bool cut = text.size() > kShownLength;
  const nlohmann::json value = std::string(text.substr(0, kShownLength));
  std::string out = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::ignore);
  // DEL is the one control character that JSON lets through.
  for (std::size_t at; (at = out.find('\x7f')) != std::string::npos;) out.replace(at, 1, "\\u007f");
  out = out.substr(1, out.size() - 2);
  return cut ? out + "..." : out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string quote(std::string_view text) {
  return "\"" + shown(text) + "\"";
}

std::string below(std::string_view parent, std::string_view name) {
  std::string escaped;
  for (const char c : name.substr(0, kShownLength + 1)) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  const bool plain =
      escaped.size() <= kShownLength &&
      std::all_of(escaped.begin(), escaped.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  return std::string(parent) + "/" + (plain ? escaped : shown(escaped));
}

std::string below(std::string_view parent, std::size_t index) {
  return std::string(parent) + "/" + std::to_string(index);
}

std::string_view parent_of(std::string_view pointer) {
  const std::size_t slash = pointer.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : pointer.substr(0, slash);
}

std::string_view last_of(std::string_view pointer) {
  const std::size_t slash = pointer.rfind('/');
  return slash == std::string_view::npos ? pointer : pointer.substr(slash + 1);
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kShownLength) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  // A third of the word may be wrong, two letters always; a word of two letters is then never "near".
  const std::size_t allowed = std::max<std::size_t>(2, word.size() / 3);
  if (best == nullptr || best_distance > allowed || best_distance >= word.size()) return std::nullopt;
  return *best;
}

std::string one_of(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += quote(words[i]);
  }
  return out;
}

}  // namespace herd::config

#include "common/kernel/id_map.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace herd::kernel {
namespace {

/// From `value` on there are so many up to the end of the range; nothing where it does not hold it.
std::optional<std::uint32_t> offset_in(std::uint32_t value, std::uint32_t first, std::uint32_t count) {
  if (value < first || value - first >= count) return std::nullopt;
  return value - first;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "NAME:FIRST:COUNT", where the name is one of the user's.
std::optional<IdSpan> parse_line(std::string_view line, std::string_view user, std::string_view uid) {
  const std::size_t one = line.find(':'), two = one == line.npos ? one : line.find(':', one + 1);
  if (two == line.npos) return std::nullopt;
  const std::string_view owner = line.substr(0, one);
  if (owner != uid && (user.empty() || owner != user)) return std::nullopt;
  const auto first = number(line.substr(one + 1, two - one - 1)), count = number(line.substr(two + 1));
  if (!first || !count || *count == 0 || *count > ~0U - *first) return std::nullopt;
  return IdSpan{*first, *count};
}

}  // namespace

Result<IdMap> IdMap::parse(const std::string& text) {
  std::istringstream stream(text);
  std::vector<IdRange> ranges;
  for (IdRange range; stream >> range.inside >> range.outside >> range.count;) ranges.push_back(range);
  if (!stream.eof()) return fail("'" + text + "' is no map of ids");
  return IdMap(std::move(ranges));
}

bool IdMap::has(std::uint32_t first, std::uint32_t count) const {
  return std::ranges::any_of(ranges_, [&](const IdRange& range) {
    const auto offset = offset_in(first, range.inside, range.count);
    return offset && range.count - *offset >= count;
  });
}

std::optional<std::uint32_t> IdMap::outside(std::uint32_t inside) const {
  for (const IdRange& range : ranges_)
    if (const auto offset = offset_in(inside, range.inside, range.count)) return range.outside + *offset;
  return std::nullopt;
}

std::optional<std::uint32_t> IdMap::inside(std::uint32_t outside) const {
  for (const IdRange& range : ranges_)
    if (const auto offset = offset_in(outside, range.outside, range.count)) return range.inside + *offset;
  return std::nullopt;
}

std::optional<IdSpan> longest_without(const std::vector<IdSpan>& spans, std::vector<std::uint32_t> holes) {
  std::ranges::sort(holes);
  std::optional<IdSpan> longest;
  const auto offer = [&](std::uint32_t first, std::uint32_t end) {
    if (end > first && (!longest || end - first > longest->count)) longest = IdSpan{first, end - first};
  };
  for (const IdSpan& span : spans) {
    std::uint32_t first = span.first;
    const std::uint32_t end = span.first + span.count;
    for (const std::uint32_t hole : holes) {
      if (hole < first || hole >= end) continue;
      offer(first, hole);
      first = hole + 1;
    }
    offer(first, end);
  }
  return longest;
}

std::vector<IdSpan> subordinate_ids(const std::string& text, const std::string& user, std::uint32_t uid) {
  std::istringstream lines(text);
  std::vector<IdSpan> spans;
  for (std::string line; std::getline(lines, line);)
    if (const auto span = parse_line(line, user, std::to_string(uid))) spans.push_back(*span);
  return spans;
}

}  // namespace herd::kernel

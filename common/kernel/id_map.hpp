// The ids that a user namespace has, and what they are in the one around it (user_namespaces(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace herd::kernel {

/// One line of /proc/PID/uid_map or gid_map.
struct IdRange {
  std::uint32_t inside = 0, outside = 0, count = 0;
};

class IdMap {
 public:
  /// The host's own: every id is itself.
  IdMap() : IdMap({{0, 0, kAll}}) {}
  explicit IdMap(std::vector<IdRange> ranges) : ranges_(std::move(ranges)) {}
  static Result<IdMap> parse(const std::string& text);

  [[nodiscard]] bool has_all() const { return has(0, kAll); }
  /// Whether all of these are ids in the namespace.
  [[nodiscard]] bool has(std::uint32_t first, std::uint32_t count) const;
  [[nodiscard]] std::optional<std::uint32_t> outside(std::uint32_t inside) const;
  [[nodiscard]] std::optional<std::uint32_t> inside(std::uint32_t outside) const;
  [[nodiscard]] const std::vector<IdRange>& ranges() const { return ranges_; }

 private:
  static constexpr std::uint32_t kAll = 4294967295U;  // the last number is no id: it says "no change"
  std::vector<IdRange> ranges_;
};

/// Consecutive ids.
struct IdSpan {
  std::uint32_t first = 0, count = 0;
};

/// The longest span that lies in one of `spans` and holds none of `holes`; nothing where there is none.
std::optional<IdSpan> longest_without(const std::vector<IdSpan>& spans, std::vector<std::uint32_t> holes);

/// What /etc/subuid or /etc/subgid (subuid(5)) gives to a user, who stands there by name or by number.
std::vector<IdSpan> subordinate_ids(const std::string& text, const std::string& user, std::uint32_t uid);

}  // namespace herd::kernel

// Which arguments of which calls a recording looks at: the scalars that tell a harmless use of a call from a
// dangerous one. What a pointer leads to can change after it was looked at, so pointers never are.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace herd::record {

/// (argument & mask) == value.
struct Condition {
  unsigned index = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  auto operator<=>(const Condition&) const = default;
};

/// The kernel reads an `int` from the low half of the register.
inline constexpr std::uint64_t kLow32 = 0xffff'ffffU;

struct LookedAt {
  std::string_view call;
  struct Argument {
    unsigned index = 0;
    std::uint64_t mask = kLow32;  // what of it is compared
  };
  std::vector<Argument> exact;
  /// Flags of which a run may set fewer than another one: their union is allowed, as one rule for each set of
  /// exact values.
  std::optional<unsigned> flags;
};

/// Null for a call of which only the name counts.
const LookedAt* looked_at(std::string_view call);

/// clone3, whose flags lie in memory, and io_uring, whose calls pass no filter. herd's own profiles answer
/// them with ENOSYS; so does a recording, and it sees what the program falls back to.
bool is_unfilterable(std::string_view call);
const std::vector<std::string_view>& unfilterable_calls();

}  // namespace herd::record

// What a seccomp profile says, as a plain value: no libseccomp, no kernel types. Profiles are made by
// presets.hpp (and by readers of profile files), turned into a program by compiler.hpp and given their
// meaning by meaning.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace herd::seccomp {

/// What a denied call does. A pool with policy `off` has no filter, so there is no such value here.
enum class Policy { log, errno_, kill };

/// The 64-bit architectures that a filter can be made for. Every other one ends the process.
enum class Arch { x86_64, aarch64 };

/// From weak to strict: where several rules match a call, the strictest wins, whatever their order.
enum class Action {
  allow,
  no_such_syscall,  // ENOSYS under every policy: libc falls back to a call that a filter can read
  deny,             // as the policy says
};

enum class Compare { equal, not_equal, less, less_equal, greater, greater_equal, masked_equal };

/// One unsigned 64-bit comparison of an argument.
///
/// The kernel reads an `int` argument from the low half of the register and ignores the rest, so a rule on
/// one must do the same (`low32`): a plain `equal` in a rule that denies is passed by setting a high bit (as
/// CVE-2019-10063 did).
struct ArgCondition {
  unsigned index = 0;  // 0..5
  Compare op = Compare::equal;
  std::uint64_t value = 0;
  std::uint64_t mask = ~std::uint64_t{0};  // masked_equal only: (argument & mask) == value

  bool operator==(const ArgCondition&) const = default;
};

/// An `int` argument equals `value`.
constexpr ArgCondition low32(unsigned index, std::uint32_t value) {
  return {index, Compare::masked_equal, value, 0xffff'ffffU};
}

struct Rule {
  std::vector<std::string> names;
  Action action = Action::allow;
  std::vector<ArgCondition> conditions;  // all must hold; none: whatever the arguments

  bool operator==(const Rule&) const = default;
};

struct Profile {
  std::string name;
  std::vector<Rule> rules;
  /// For a call with a known name that no rule matches. A number without a known name is ENOSYS in any case,
  /// so that a newer libc falls back to what it used before.
  Action default_action = Action::deny;

  bool operator==(const Profile&) const = default;
};

inline constexpr unsigned kArgumentCount = 6;
/// Of one rule. Keeps each jump inside a rule within the 8 bits that BPF has for it.
inline constexpr std::size_t kMaxConditions = 16;

/// Refuses what can't be meant: an argument that does not exist, a mask that makes a comparison never or
/// always true.
Status validate(const Profile& profile);

/// Of the machine that this was built for.
Arch native_arch();
/// AUDIT_ARCH_*, as it stands in seccomp_data.
std::uint32_t audit_arch(Arch arch);

std::string_view name(Policy policy);
std::string_view name(Arch arch);
std::string_view name(Action action);
/// "arg0 & 0xffffffff == 0x1".
std::string describe(const ArgCondition& condition);

}  // namespace herd::seccomp

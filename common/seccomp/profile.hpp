// What a seccomp profile says, as a plain value: no libseccomp, no kernel types. Profiles are made by
// presets.hpp (and by readers of profile files), turned into a program by compiler.hpp and given their
// meaning by meaning.hpp.
#pragma once

#include <cerrno>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace herd::seccomp {

/// What a denied call does. A pool with policy `off` has no filter, so there is no such value here.
enum class Policy { log, errno_, kill };

/// How it comes to be known that a call was denied.
enum class Denials {
  audit,   // the filter answers, and the kernel's audit log tells
  notify,  // the filter asks (SECCOMP_RET_USER_NOTIF), and whoever has its listener answers
};

/// The 64-bit architectures that a filter can be made for. Every other one ends the process.
enum class Arch { x86_64, aarch64 };

/// What a rule says. The order is from weak to strict: where several rules of a layer match a call, the
/// strictest wins, whatever their order.
struct Action {
  enum class Kind {
    allow,
    log,              // allowed and recorded, under every policy
    no_such_syscall,  // ENOSYS under every policy: libc falls back to a call that a filter can read
    deny,             // as the policy says; policy `errno` answers with `error`
    trap,             // as `deny`, but under policy `errno` SIGSYS, which the program may handle
    kill,             // as `deny`, but the end of the process under policy `errno` too
  };
  Kind kind = Kind::deny;
  int error = EPERM;  // of `deny`, 1 to 4095

  auto operator<=>(const Action&) const = default;

  static const Action allow, log, no_such_syscall, deny, trap, kill;
  /// ENOSYS is no_such_syscall.
  static Action deny_with(int error);
};
inline constexpr Action Action::allow{Action::Kind::allow};
inline constexpr Action Action::log{Action::Kind::log};
inline constexpr Action Action::no_such_syscall{Action::Kind::no_such_syscall};
inline constexpr Action Action::deny{Action::Kind::deny};
inline constexpr Action Action::trap{Action::Kind::trap};
inline constexpr Action Action::kill{Action::Kind::kill};

enum class Compare {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  masked_equal,  // (argument & mask) == value
  any_bits,      // (argument & mask) != 0
};

/// One unsigned 64-bit comparison of an argument.
///
/// The kernel reads an `int` argument from the low half of the register and ignores the rest, so a rule on
/// one must do the same (`low32`): a plain `equal` in a rule that denies is passed by setting a high bit (as
/// CVE-2019-10063 did).
struct ArgCondition {
  unsigned index = 0;  // 0..5
  Compare op = Compare::equal;
  std::uint64_t value = 0;
  std::uint64_t mask = ~std::uint64_t{0};  // masked_equal and any_bits

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
  /// Where rules of several layers match a call, those of the highest decide. A built-in profile has one;
  /// what somebody adds to it lies above.
  int layer = 0;

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
inline constexpr int kMaxError = 4095;  // MAX_ERRNO, include/linux/err.h
/// Of one rule. Keeps each jump inside a rule within the 8 bits that BPF has for it.
inline constexpr std::size_t kMaxConditions = 16;

/// Refuses what can't be meant: an argument that does not exist, a mask that makes a comparison never or
/// always true.
Status validate(const Profile& profile);

/// Of the machine that this was built for.
Arch native_arch();
/// AUDIT_ARCH_*, as it stands in seccomp_data.
std::uint32_t audit_arch(Arch arch);

/// "EPERM"; the number where it has no name.
std::string error_name(int error);
std::string_view name(Policy policy);
std::string_view name(Denials denials);
std::string_view name(Arch arch);
/// "allow" "deny" "deny with EACCES" ...
std::string describe(Action action);
/// "arg0 & 0xffffffff == 0x1".
std::string describe(const ArgCondition& condition);
/// Joined by "and".
std::string describe(const std::vector<ArgCondition>& conditions);

}  // namespace herd::seccomp

// What a profile means, call by call: the reference that a compiled filter is checked against. It shares no
// code with the compiler, on purpose.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

/// Looks up fast; borrows the profile.
class Meaning {
 public:
  Meaning(const Profile& profile, Policy policy, Arch arch, Denials denials = Denials::audit);

  /// The value that a right filter returns to the kernel: SECCOMP_RET_*, with the errno in its low half.
  [[nodiscard]] std::uint32_t expected_action(const seccomp_data& data) const;
  /// The rule that gives the answer; null where none matches, so that the profile's default does.
  [[nodiscard]] const Rule* deciding_rule(const seccomp_data& data) const;
  /// The rules that name this call, in the profile's order.
  [[nodiscard]] const std::vector<const Rule*>& rules_of(int number) const;
  [[nodiscard]] bool is_known(int number) const { return rules_.contains(number); }

 private:
  Policy policy_;
  Arch arch_;
  Denials denials_;
  Action default_action_;
  std::unordered_map<int, std::vector<const Rule*>>
      rules_;  // one entry for each known call, also without rules
};

/// For one call.
std::uint32_t expected_action(const Profile& profile, Policy policy, Arch arch, const seccomp_data& data);

bool holds(const ArgCondition& condition, std::uint64_t argument);

/// "ALLOW" "LOG" "ERRNO(EPERM)" "KILL_PROCESS" ...
std::string describe_return(std::uint32_t value);

}  // namespace herd::seccomp

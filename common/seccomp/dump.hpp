// A profile as people review it: what it answers to each syscall of an architecture.
#pragma once

#include <string>
#include <vector>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

struct ConditionalAnswer {
  std::string result;      // "ERRNO(EPERM)"
  std::string conditions;  // "arg1 & 0xffffffff == 0x5412 and ..."
  bool operator==(const ConditionalAnswer&) const = default;
};

struct CallAnswers {
  int number = 0;
  std::string name;
  std::vector<ConditionalAnswer> rules;  // the first whose conditions hold decides
  std::string otherwise;

  /// "ALLOW if arg0 & 0xffffffff == 0x1; else ERRNO(EPERM)".
  [[nodiscard]] std::string text() const;
};

/// In the order of the numbers.
std::vector<CallAnswers> answers(const Profile& profile, Policy policy, Arch arch);

/// "read ALLOW"; a line each.
std::string dump(const Profile& profile, Policy policy, Arch arch);

}  // namespace herd::seccomp

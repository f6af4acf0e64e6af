// What in a profile is likely not meant.
#pragma once

#include <string>
#include <vector>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

struct LintFinding {
  enum class Kind {
    dangerous,    // allowed, and behind known escapes
    needed,       // denied, and no libc starts without it
    no_fallback,  // denied with an error from which libc does not fall back
    pointer,      // a rule compares an address
    high_bits,    // a rule on all 64 bits of an argument of which the kernel reads 32
  };
  Kind kind;
  std::string call;
  std::string message;  // what it is, and what to write instead
};
std::string_view name(LintFinding::Kind kind);

/// By the calls' numbers. An empty list says nothing of what the profile's program needs.
std::vector<LintFinding> lint(const Profile& profile, Arch arch);

/// What a program can do that may make this call: "changes mounts and namespaces". Empty where it is not
/// known to be dangerous.
std::string danger_of(const std::string& call);
/// Programs try it first and fall back to an older call from ENOSYS.
bool has_fallback(const std::string& call);

}  // namespace herd::seccomp

// One kernel feature that herd uses, and how it is found out whether this process can have it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/kernel/probe.hpp"

namespace herd::doctor {

enum class Need {
  every_pool,   // a pool that says nothing but its command needs it
  some,         // only what `needed_for` says
  information,  // nothing is wrong without it
};

struct Remedy {
  std::string if_refused;  // EPERM, EACCES, EROFS: the kernel has it, but not for this process
  std::string if_absent;   // any other error
};

struct Check {
  std::string name;
  Need need = Need::every_pool;
  std::string needed_for;
  kernel::Attempt attempt;  // runs in a child
  Remedy remedy;
  /// What may be had in a user namespace is tried there too where it is refused.
  bool works_in_user_namespace = false;
  /// Not empty: why this host needs it not, so that it is not tried.
  std::string excuse = {};
};

enum class Verdict { had, missing, not_needed };

struct Finding {
  std::string name;
  Need need = Need::every_pool;
  std::string needed_for;
  Verdict verdict = Verdict::missing;
  std::string why;  // what was seen, or the error
  int errno_value = 0;
  std::string remedy;  // empty unless it is missing
  std::optional<Verdict> in_user_namespace;
};

Finding run(const Check& check);
/// True where every default pool can have what it needs.
bool is_enough(const std::vector<Finding>& findings);

inline const std::string kEveryPool = "every pool";

}  // namespace herd::doctor

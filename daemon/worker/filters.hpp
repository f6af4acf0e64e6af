// Compiled seccomp filters, one for each profile and policy, as sealed memfds that all workers share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "config/pool_spec.hpp"

namespace herd::worker {

class Filters {
 public:
  /// Null for policy `off`. Compiles and checks at the first call for a profile and policy, then answers from
  /// memory.
  Result<std::shared_ptr<const UniqueFd>> get(const config::SeccompSpec& seccomp);

 private:
  std::map<std::pair<std::string, config::SeccompPolicy>, std::shared_ptr<const UniqueFd>> cache_;
};

}  // namespace herd::worker

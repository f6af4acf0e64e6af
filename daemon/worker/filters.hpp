// Compiled seccomp filters, one for each profile and policy, as sealed memfds that all workers share.
#pragma once

#include <memory>
#include <vector>

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
  struct Entry {
    config::SharedProfile profile;
    config::SeccompPolicy policy;
    std::shared_ptr<const UniqueFd> filter;
  };
  std::vector<Entry> entries_;
};

}  // namespace herd::worker

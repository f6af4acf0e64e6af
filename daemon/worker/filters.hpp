// Compiled seccomp filters, one for each profile, policy and way of seeing denials, as sealed memfds that all
// workers share.
#pragma once

#include <memory>
#include <vector>

#include "common/error.hpp"
#include "common/seccomp/compiler.hpp"
#include "common/unique_fd.hpp"
#include "config/pool_spec.hpp"

namespace herd::worker {

struct Filter {
  std::shared_ptr<const UniqueFd> file;  // null: policy `off`
  /// Where the filter asks: the one that answers in its place. Else null.
  std::shared_ptr<const seccomp::Program> answers;
};

class Filters {
 public:
  /// Compiles and checks at the first call for a filter, then answers from memory.
  Result<Filter> get(const config::SeccompSpec& seccomp);

 private:
  struct Entry {
    config::SharedProfile profile;
    config::SeccompPolicy policy;
    seccomp::Denials denials;
    Filter filter;
  };
  std::vector<Entry> entries_;
};

}  // namespace herd::worker

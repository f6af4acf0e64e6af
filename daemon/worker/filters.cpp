#include "daemon/worker/filters.hpp"

#include "common/seccomp/build.hpp"
#include "common/seccomp/export.hpp"

namespace herd::worker {
namespace {

seccomp::Policy to_policy(config::SeccompPolicy policy) {
  switch (policy) {
    case config::SeccompPolicy::log:
      return seccomp::Policy::log;
    case config::SeccompPolicy::kill:
      return seccomp::Policy::kill;
    default:
      return seccomp::Policy::errno_;
  }
}

}  // namespace

Result<std::shared_ptr<const UniqueFd>> Filters::get(const config::SeccompSpec& seccomp) {
  if (seccomp.policy == config::SeccompPolicy::off) return std::shared_ptr<const UniqueFd>();
  auto& entry = cache_[{seccomp.profile, seccomp.policy}];
  if (entry == nullptr) {
    HERD_TRY(const auto program, seccomp::build(seccomp.profile, to_policy(seccomp.policy)));
    HERD_TRY(UniqueFd fd, seccomp::to_sealed_memfd(program));
    entry = std::make_shared<const UniqueFd>(std::move(fd));
  }
  return entry;
}

}  // namespace herd::worker

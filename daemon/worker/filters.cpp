#include "daemon/worker/filters.hpp"

#include <algorithm>

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
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.policy == seccomp.policy && entry.profile == seccomp.rules;
  });
  if (found != entries_.end()) return found->filter;
  HERD_TRY(const auto program, seccomp::build(*seccomp.rules.value, to_policy(seccomp.policy)));
  HERD_TRY(UniqueFd fd, seccomp::to_sealed_memfd(program));
  // Those of profiles that have changed since: only workers that run hold their filters.
  std::erase_if(entries_, [](const Entry& entry) { return entry.profile.value.use_count() == 1; });
  entries_.push_back({seccomp.rules, seccomp.policy, std::make_shared<const UniqueFd>(std::move(fd))});
  return entries_.back().filter;
}

}  // namespace herd::worker

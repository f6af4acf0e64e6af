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

Result<Filter> make(const seccomp::Profile& profile, seccomp::Policy policy, seccomp::Denials denials) {
  HERD_TRY(const seccomp::Program installed,
           seccomp::build(profile, policy, seccomp::native_arch(), denials));
  HERD_TRY(UniqueFd file, seccomp::to_sealed_memfd(installed));
  Filter filter{std::make_shared<const UniqueFd>(std::move(file)), nullptr};
  if (denials == seccomp::Denials::audit) return filter;
  HERD_TRY(seccomp::Program answers, seccomp::build(profile, policy));
  filter.answers = std::make_shared<const seccomp::Program>(std::move(answers));
  return filter;
}

}  // namespace

Result<Filter> Filters::get(const config::SeccompSpec& seccomp) {
  if (seccomp.policy == config::SeccompPolicy::off) return Filter();
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.policy == seccomp.policy && entry.denials == seccomp.denials &&
           entry.profile == seccomp.rules;
  });
  if (found != entries_.end()) return found->filter;
  HERD_TRY(Filter filter, make(*seccomp.rules.value, to_policy(seccomp.policy), seccomp.denials));
  // Those of profiles that have changed since: only workers that run hold their filters.
  std::erase_if(entries_, [](const Entry& entry) { return entry.profile.value.use_count() == 1; });
  entries_.push_back({seccomp.rules, seccomp.policy, seccomp.denials, std::move(filter)});
  return entries_.back().filter;
}

}  // namespace herd::worker

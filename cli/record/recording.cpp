#include "cli/record/recording.hpp"

#include <algorithm>

#include "common/seccomp/syscalls.hpp"

namespace herd::record {

Recording::Recording(Arguments arguments, seccomp::Arch arch)
    : arguments_(arguments),
      arch_(arch),
      audit_arch_(seccomp::audit_arch(arch)),
      entries_(seccomp::kSyscallNumberLimit) {
  for (const auto& [number, name] : seccomp::known_syscalls(arch))
    entries_[static_cast<std::size_t>(number)] = {name, looked_at(name), is_unfilterable(name), nullptr};
}

Recording::Answer Recording::add(const seccomp_data& data) {
  ++total_;
  const auto number = static_cast<std::uint32_t>(data.nr);
  if (data.arch != audit_arch_) {
    ++foreign_;
    return Answer::go_on;
  }
  if (arch_ == seccomp::Arch::x86_64 && data.nr != -1 && number >= seccomp::kX32Bit) {
    ++x32_;
    return Answer::go_on;
  }
  if (number >= entries_.size() || entries_[number].name.empty()) {
    if (unknown_numbers_.size() < kMaxUnknownNumbers) unknown_numbers_.insert(data.nr);
    return Answer::go_on;
  }
  Entry& entry = entries_[number];
  if (entry.is_unfilterable) {
    refused_.insert(entry.name);
    return Answer::no_such_syscall;
  }
  if (entry.call == nullptr) entry.call = &call_named(entry.name);
  Call& call = *entry.call;
  ++call.count;
  if (entry.looked_at == nullptr || arguments_ == Arguments::ignored) call.is_open = true;
  if (call.is_open) return Answer::go_on;

  std::vector<Condition> conditions;
  for (const auto& [index, mask] : entry.looked_at->exact)
    conditions.push_back({index, mask, data.args[index] & mask});
  const std::uint64_t flags = entry.looked_at->flags ? data.args[*entry.looked_at->flags] & kLow32 : 0;
  add_alternative(call, std::move(conditions), flags);
  return Answer::go_on;
}

void Recording::allow(const std::string& name, const std::vector<Condition>& conditions) {
  if (is_unfilterable(name)) return;
  Call& call = call_named(name);
  if (conditions.empty() || arguments_ == Arguments::ignored) call.is_open = true;
  if (call.is_open) {
    call.alternatives.clear();
    return;
  }
  // The flags' condition, "none but these", goes back to the flags that it leaves open.
  const LookedAt* known = looked_at(name);
  std::vector<Condition> exact;
  std::uint64_t flags = known != nullptr && known->flags ? kLow32 : 0;
  for (const Condition& condition : conditions) {
    if (known != nullptr && known->flags == condition.index)
      flags = (~condition.mask & kLow32) | condition.value;
    else
      exact.push_back(condition);
  }
  std::ranges::sort(exact);
  add_alternative(call, std::move(exact), flags);
}

Call& Recording::call_named(const std::string& name) {
  return calls_[name];
}

void Recording::add_alternative(Call& call, std::vector<Condition> conditions, std::uint64_t flags) {
  call.alternatives[std::move(conditions)] |= flags;
  if (call.alternatives.size() <= kMaxAlternatives) return;
  call.is_open = call.had_too_many = true;
  call.alternatives.clear();
}

}  // namespace herd::record

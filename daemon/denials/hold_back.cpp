#include "daemon/denials/hold_back.hpp"

#include <algorithm>

#include "common/kernel/seqpacket.hpp"

namespace herd::denials {

Status thaw(Watched& watched) {
  if (!watched.held_until) return {};
  const Status thawed = watched.freezer.thaw();
  // ENODEV: the cgroup is gone, and nothing is in it
  if (!thawed && thawed.error().errno_value != ENODEV)
    return fail_in("a worker that was held back stays frozen", thawed.error());
  watched.held_until.reset();
  return {};
}

Result<bool> HoldBack::hold(const std::shared_ptr<Watched>& watched, SteadyTime now) {
  const auto may_be_held = [&] {
    return watched->may_be_held && !watched->held_until && watched->freezer.is_there();
  };
  {
    const std::lock_guard lock(mutex_);
    if (!may_be_held()) return false;
  }
  if (!guard_) {
    HERD_TRY(guard_, start_guard_());
  }
  const std::lock_guard lock(mutex_);
  if (!may_be_held()) return false;
  HERD_CHECK(show_to_guard(*watched));
  auto frozen = watched->freezer.freeze();
  if (!frozen && frozen.error().errno_value == ENODEV) return false;
  HERD_CHECK(frozen);
  watched->held_until = now + kHold;
  guard_ends_ = now + kHold + kGuardStays;
  watched->last_held = now;
  held_.push_back(watched);
  return true;
}

/// A guard that takes no more gets a successor with the next hold.
Status HoldBack::show_to_guard(const Watched& watched) {
  if (guarded_.contains(watched.key)) return {};
  const int file = watched.freezer.file();
  auto sent = kernel::send_message(guard_->line.get(), watched.freezer.thaw_word(), std::span(&file, 1));
  if (!sent) {
    guard_->end();
    guard_.reset();
    guarded_.clear();
    return fail_in("guard of frozen workers", sent.error());
  }
  guarded_.insert(watched.key);
  return {};
}

Status HoldBack::thaw_due(SteadyTime now) {
  Status all;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(held_, [&](const auto& watched) {
      if (watched->held_until && *watched->held_until > now) return false;
      if (watched->held_until) watched->last_held = now;
      const Status thawed = thaw(*watched);
      if (thawed) return true;
      watched->held_until = now + kHold;
      if (all) all = thawed;
      return false;
    });
  }
  if (guard_ && held_.empty() && guard_ends_ <= now) end();
  return all;
}

std::optional<SteadyTime> HoldBack::next() const {
  if (!guard_) return std::nullopt;
  SteadyTime next = held_.empty() ? guard_ends_ : SteadyTime::max();
  const std::lock_guard lock(mutex_);
  for (const auto& watched : held_) next = std::min(next, watched->held_until.value_or(SteadyTime{}));
  return next;
}

void HoldBack::end() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& watched : held_) (void)thaw(*watched);  // nobody is left to be told
  }
  held_.clear();
  guarded_.clear();
  if (guard_) guard_->end();
  guard_.reset();
}

}  // namespace herd::denials

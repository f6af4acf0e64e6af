// Where denied calls are seen: one small interface, whatever tells of them. Used on the daemon's loop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/kernel/freezer.hpp"
#include "common/seccomp/compiler.hpp"
#include "common/unique_fd.hpp"
#include "daemon/denials/record.hpp"

namespace herd::denials {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Calls that are told of as one.
struct Kind {
  std::uint32_t arch = 0;   // AUDIT_ARCH_*
  std::int64_t number = 0;  // of the syscall
  std::uint32_t code = 0;   // SECCOMP_RET_*
  std::string exe;

  auto operator<=>(const Kind&) const = default;
};

struct Denied {
  Kind kind;
  std::string comm;  // of the last one
  std::uint64_t count = 0;
  WallTime first{}, last{};
  std::optional<Arguments> arguments;  // of the last one, where they are known
};

/// A process that its filter ended.
struct Kill {
  pid_t pid = 0;
  std::uint32_t arch = 0;
  std::int64_t number = 0;
};

/// What came to be known of one worker since the last time.
struct News {
  std::vector<Denied> denied;
  std::uint64_t others = 0;  // calls of more kinds than are kept apart
  std::vector<Kill> kills;   // the latest, in order
  std::uint64_t holds = 0;   // how often it was held back
  /// Somebody else has its filter's listener, too, and took a call from it. Nothing is answered any more.
  bool shares_listener = false;
};

struct Subject {
  std::uint32_t uid = 0;  // the host's number
  bool owns_uid = true;   // false: others have it too, and a call's process has to be looked at
};

/// One worker that is watched, until this is destroyed; what is still on its way then is told for a while.
class Subscription {
 public:
  virtual ~Subscription() = default;
  /// Once it is there: by its path a process is known to be the worker's, by its freezer it is held back.
  virtual void set_cgroup(std::string path, kernel::Freezer freezer) = 0;
  /// Where calls are answered here: the worker's listener, and the filter whose answers they get.
  virtual Status take_listener(UniqueFd listener, std::shared_ptr<const seccomp::Program> filter) = 0;
  /// Lets it run now, to take an order; it may be held back again.
  virtual void let_run() = 0;
  /// It is about to be ended: it runs, and is not held back again.
  virtual void let_go() = 0;
  /// `done` is called on the loop, once all that has come up to now has been told; never from inside this.
  virtual void settle(std::function<void()> done) = 0;
  [[nodiscard]] virtual bool was_held_back_since(SteadyTime time) const = 0;
};

struct Visibility {
  std::optional<bool> seen;  // nothing: not known yet
  std::string why_not;       // a sentence, where `seen` is false
  bool is_open = false;      // records may come all the same
  std::uint64_t lost = 0;    // records that came faster than they were read
  std::uint64_t of_others = 0, unreadable = 0;
  bool numbers_processes = true;  // as this process does: false in a pid namespace
};

class Source {
 public:
  virtual ~Source() = default;
  /// `tell` is called on the loop, never from inside this; also for a while after the subscription's end.
  virtual std::unique_ptr<Subscription> watch(const Subject& subject,
                                              std::function<void(const News&)> tell) = 0;
  [[nodiscard]] virtual Visibility visibility() const = 0;
};

}  // namespace herd::denials

// The spawning thread: makes a worker's cgroup and pipes and starts herd-exec in it.
//
// A thread of its own, because it waits for each herd-exec's exec and, at times, for a base tree, and because
// no-new-privs is a property of a thread: set once here, everything that is started inherits it, and the rest
// of the daemon is not touched.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"
#include "common/unique_fd.hpp"
#include "daemon/worker/base_tree.hpp"
#include "daemon/worker/executor.hpp"
#include "daemon/worker/network_stock.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::worker {

/// A command's own input and output in place of /dev/null and the daemon's pipes.
struct Stdio {
  UniqueFd input, output, error;
  bool is_terminal = false;  // one that was made for this command, and is nobody's controlling terminal
};

struct SpawnOrder {
  launch::Plan plan;  // its fds are named here, in the spawner
  kernel::CgroupLimits limits;
  bool is_required = true;  // false: limits that the host lacks are left out, and said
  UniqueFd listener, relay_listener;
  std::shared_ptr<const Stdio> stdio;              // its owner says where it is closed
  std::shared_ptr<const UniqueFd> seccomp_filter;  // sealed memfd, shared by all workers of a profile
};

struct SpawnFailure {
  std::string stage;  // as in Reason: one of the plan's, or "spawn"
  Error error;
};

struct Spawned {
  Executor executor;
  UniqueFd stdout_pipe, stderr_pipe;  // read ends, non-blocking; empty where the order had its own
  kernel::WorkerCgroup cgroup;
  std::vector<std::string> left_out;
  launch::UsedFile root_directory;  // of the host, where the plan's root is one
};

class Spawner {
 public:
  enum class Privileges { no_new, may_gain };
  template <typename T>
  using Outcome = tl::expected<T, SpawnFailure>;
  using Done = std::function<void(Outcome<Spawned>)>;

  /// `cgroups`, `program` (herd-exec, pinned) and `networks` must outlive it. Throws std::system_error, as
  /// std::thread does.
  Spawner(const kernel::Cgroups& cgroups, const UniqueFd& program, NetworkStock& networks,
          Privileges privileges);
  /// Finishes what was submitted, then joins the thread.
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// Any thread. `done` is called on the spawning thread.
  void submit(SpawnOrder order, Done done);

 private:
  struct Job {
    SpawnOrder order;
    Done done;
  };
  /// What goes to herd-exec with its first message; herdd's copies end with this.
  struct Parcel {
    std::vector<int> fds;
    UniqueFd plan, network;
    Stdio pipes;  // the worker's ends, where the order has no files of its own
  };
  void run();
  std::optional<Job> next_job();
  void wait_for_work();
  Outcome<Spawned> spawn(SpawnOrder order);
  Outcome<Parcel> pack(SpawnOrder& order, Spawned& spawned);
  Outcome<void> start(const SpawnOrder& order, const Parcel& parcel, Spawned& spawned) const;

  const kernel::Cgroups& cgroups_;
  const UniqueFd& program_;
  NetworkStock& networks_;
  Privileges privileges_;
  BaseTrees base_trees_;  // the spawning thread's
  UniqueFd wake_;         // eventfd
  std::mutex mutex_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace herd::worker

// A cgroup for a peer as herd gives one to each of its processes: the scheduler shares out the processors
// among cgroups, so without one the peer would stand with all that runs on the machine, and herd alone.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"

namespace herd::bench {

class PeerCgroup {
 public:
  /// `root` is the running herdd's, which does not mind.
  static Result<PeerCgroup> make(const std::string& root, const std::string& name);
  PeerCgroup(PeerCgroup&&) = default;
  PeerCgroup& operator=(PeerCgroup&&) = delete;
  /// What was in it has to have ended.
  ~PeerCgroup();

  Status take(pid_t pid);

 private:
  PeerCgroup(kernel::Cgroups cgroups, std::string name, kernel::WorkerCgroup cgroup)
      : cgroups_(std::move(cgroups)), name_(std::move(name)), cgroup_(std::move(cgroup)) {}
  kernel::Cgroups cgroups_;
  std::string name_;
  kernel::WorkerCgroup cgroup_;
};

/// What the kernel itself holds for the processes of this one's cgroup: sockets, files and the like.
Result<double> kernel_kib_of(pid_t pid);

}  // namespace herd::bench

// One sandboxed start, timed from the order until the program's first byte: herd's and bubblewrap's.
#pragma once

#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"
#include "common/unique_fd.hpp"
#include "config/pool_spec.hpp"
#include "daemon/worker/filters.hpp"
#include "daemon/worker/spawner.hpp"
#include "daemon/worker/uid_pool.hpp"
#include "daemon/worker/verify.hpp"
#include "tests/bench/place.hpp"

namespace herd::bench {

struct StarterOptions {
  config::SandboxSpec sandbox;
  config::LimitsSpec limits;
  bool verifies = false;  // the time ends when the worker's isolation has been read back
};

/// What herdd does to start a worker of such a pool, in this process: cgroup with limits, uid, namespaces,
/// root, filter. Has a cgroup root of its own, removed with it.
class HerdStarter {
 public:
  static Result<std::unique_ptr<HerdStarter>> make(const Place& place, const StarterOptions& options = {});
  ~HerdStarter();
  HerdStarter(const HerdStarter&) = delete;
  HerdStarter& operator=(const HerdStarter&) = delete;

  /// Microseconds. What was started has ended and is cleared away on return.
  Result<double> start_once();

 private:
  HerdStarter(config::PoolSpec pool, bool verifies, kernel::Cgroups cgroups, UniqueFd program,
              worker::UidPool uids, worker::DaemonFacts daemon);
  Result<worker::SpawnOrder> order(std::uint32_t uid);

  struct Identified {
    pid_t pid, init;
    int landlock_abi;
  };
  static Result<Identified> identify(const worker::Spawned& spawned);
  Status wait_until_runs(const launch::Plan& plan, const worker::Spawned& spawned) const;

  config::PoolSpec pool_;
  bool verifies_;
  worker::DaemonFacts daemon_;
  kernel::Cgroups cgroups_;
  UniqueFd program_;
  worker::UidPool uids_;
  worker::Filters filters_;
  worker::NetworkStock networks_;
  worker::Spawner spawner_;
  std::uint64_t last_worker_ = 0;
};

/// bubblewrap with the namespaces and private mounts of herd's default; or, `unshare_all`, with all
/// namespaces that it knows. It has no cgroup, uid, filter or masked /proc to make.
Result<double> start_with_bubblewrap(const std::string& program, bool unshare_all = false);

}  // namespace herd::bench

// Control groups on any layout: pure v2, hybrid (v1 controllers beside a v2 tree without them), or v1 alone.
//
// A worker's tree of processes is tracked and killed in one hierarchy (v2 where there is one), and each
// controller is used where it is mounted. The layout is a value that can be handed in, so tests use a
// temporary directory. Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/freezer.hpp"
#include "common/unique_fd.hpp"
#include "common/units.hpp"

namespace herd::kernel {

enum class Controller { memory, cpu, pids };
std::string_view name(Controller controller);

struct Hierarchy {
  std::string mount_point;
  bool is_v2 = false;
  std::vector<Controller> controllers;  // those that herd uses and this hierarchy has
  bool has_freezer = false;             // v1's freezer, to hold a tree still while it is killed
  std::string base = {};                // the cgroup below which herd makes its own; "": the top

  [[nodiscard]] std::string directory() const { return mount_point + base; }
};

struct CgroupLayout {
  std::vector<Hierarchy> hierarchies;  // only the ones herd uses; the tracking one first
  bool is_delegated = false;           // an ordinary user's: only what has been given to it
  [[nodiscard]] bool tracks_on_v2() const { return !hierarchies.empty() && hierarchies.front().is_v2; }
  [[nodiscard]] bool has(Controller controller) const;
  /// "v2", "hybrid", "v1" or "none".
  [[nodiscard]] std::string kind() const;
};

/// From the text of /proc/self/mountinfo; which controllers a v2 tree has is read from its
/// cgroup.controllers.
Result<CgroupLayout> find_cgroups(const std::string& mountinfo);

/// What an ordinary user can have: of each hierarchy the cgroup that this process is in (`own` is the text of
/// /proc/self/cgroup), if it may make cgroups there and move processes between them, as in a unit with
/// Delegate=yes. Hierarchies where it may not are left out, and so are the controllers of a v2 tree where
/// others are in that cgroup too.
Result<CgroupLayout> find_delegated_cgroups(const std::string& mountinfo, const std::string& own);

struct CgroupLimits {
  std::optional<Bytes> memory, swap;
  std::optional<double> cpu;  // cores
  std::optional<int> pids;
};

struct CgroupUsage {
  std::optional<std::uint64_t> memory_bytes, memory_peak_bytes, pids;
  std::optional<double> cpu_seconds;
};

/// A limit as it was asked for and as the kernel has it.
struct LimitReading {
  std::string name;  // "memory.max", "memory.limit_in_bytes" ...
  std::string wanted, found;
};

/// One worker's cgroup: a directory in each hierarchy. Movable; the destructor closes fds and removes nothing
/// (removal can fail and has to be waited for: see remove).
class WorkerCgroup {
 public:
  WorkerCgroup() = default;

  /// Directory fd for CLONE_INTO_CGROUP; -1 where tracking is on v1.
  [[nodiscard]] int v2_directory() const;
  /// Writable fds of the v1 `tasks` files: a single-threaded process that writes "0" there moves itself,
  /// which (unlike moving another, or a whole process) needs no global lock and so takes 10 us instead of up
  /// to 16 ms.
  [[nodiscard]] std::vector<int> v1_tasks() const;

  /// For a worker without any cgroup, whose tree is its pid namespace: the pidfd of that namespace's PID 1.
  void track_by_init(UniqueFd pidfd) { init_ = std::move(pidfd); }
  /// It is in no hierarchy at all.
  [[nodiscard]] bool is_nowhere() const { return places_.empty(); }

  /// Ends every process in it: cgroup.kill (Linux 5.14); on v1 frozen, killed, thawed. Without a cgroup PID 1
  /// is killed, and the kernel ends the rest of its namespace before it is reaped (pid_namespaces(7)).
  [[nodiscard]] Status kill() const;
  [[nodiscard]] Result<bool> is_populated() const;
  /// Removes the directories: EBUSY while processes are left. Safe to repeat.
  [[nodiscard]] Status remove() const;

  /// How many of its processes the kernel's OOM killer ended.
  [[nodiscard]] Result<std::uint64_t> oom_kills() const;
  [[nodiscard]] CgroupUsage usage() const;
  [[nodiscard]] std::vector<LimitReading> read_limits() const;
  /// Its processes, as the caller's pid namespace numbers them.
  [[nodiscard]] Result<std::vector<int>> processes() const;
  /// The path below the tracking hierarchy, as /proc/PID/cgroup shows it to the host.
  [[nodiscard]] std::string path() const {
    return places_.empty() ? path_ : places_.front().hierarchy.base + path_;
  }
  /// {controller as /proc/PID/cgroup names it ("" for v2), path} for each hierarchy that the leaf is in.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> paths_by_hierarchy() const;
  /// Of the tracking hierarchy's cgroup.events (v2: poll for POLLPRI), or -1.
  [[nodiscard]] Result<UniqueFd> open_events() const;
  /// Of its whole tree. Nothing is there where the tracking hierarchy has none.
  [[nodiscard]] Result<Freezer> open_freezer() const;
  /// memory.events (v2), or an eventfd registered with memory.oom_control (v1); empty if there is no memory
  /// controller. `is_v2` tells which: v2 is polled for POLLPRI, v1 read as an eventfd.
  struct OomWatch {
    UniqueFd fd;
    bool is_v2 = false;
  };
  [[nodiscard]] Result<OomWatch> watch_oom() const;

 private:
  friend class Cgroups;
  struct Place {
    Hierarchy hierarchy;
    std::string directory;
    UniqueFd fd;
    UniqueFd tasks;  // v1
  };
  [[nodiscard]] const Place* place_of(Controller controller) const;
  [[nodiscard]] Status apply(const CgroupLimits& limits);
  [[nodiscard]] Status kill_v1() const;
  std::vector<Place> places_;
  std::string path_;  // below each hierarchy's base
  CgroupLimits limits_;
  UniqueFd init_;
};

/// herd's own directory at the base of each hierarchy, ROOT/POOL/WORKER below it. Used from the spawning
/// threads: has no state that changes after `open`.
class Cgroups {
 public:
  /// `root` is a relative name such as "herd". Makes ROOT where it is missing. In a delegated layout this
  /// process has to have left the base (OwnCgroup).
  static Result<Cgroups> open(CgroupLayout layout, const std::string& root);

  /// WORKER's directory in the tracking hierarchy alone: a process can be born in it while `complete` makes
  /// the rest. Where there is no hierarchy at all it fails, or (`left_out`) notes that and returns a cgroup
  /// that is nowhere.
  [[nodiscard]] Result<WorkerCgroup> begin(const std::string& pool, const std::string& worker,
                                           std::vector<std::string>* left_out) const;
  /// The other hierarchies' directories and the limits. Fails if a limit can't be had, and what there is of
  /// the cgroup is then the caller's to remove; with `left_out` it notes what is missing there instead
  /// (sandbox.required: false).
  [[nodiscard]] Status complete(WorkerCgroup& cgroup, const CgroupLimits& limits,
                                std::vector<std::string>* left_out) const;
  /// Both; a failure leaves nothing behind.
  [[nodiscard]] Result<WorkerCgroup> create(const std::string& pool, const std::string& worker,
                                            const CgroupLimits& limits,
                                            std::vector<std::string>* left_out) const;
  /// Ends and removes what an earlier run left in ROOT; returns how many workers' leaves there were.
  [[nodiscard]] Result<int> clean() const;
  /// Removes POOL's directories, where they are empty.
  void remove_pool(const std::string& pool) const;
  /// Removes ROOT and pools' directories in it, where they are empty.
  void remove_root() const;

  [[nodiscard]] const CgroupLayout& layout() const { return layout_; }
  [[nodiscard]] const std::string& root() const { return root_; }
  /// ROOT's directory in the tracking hierarchy.
  [[nodiscard]] std::string root_directory() const;

 private:
  Cgroups(CgroupLayout layout, std::string root) : layout_(std::move(layout)), root_(std::move(root)) {}
  static Status add_place(const Hierarchy& hierarchy, WorkerCgroup& cgroup);
  CgroupLayout layout_;
  std::string root_;
};

}  // namespace herd::kernel

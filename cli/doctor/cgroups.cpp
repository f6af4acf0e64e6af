// Limits as a default pool has them, written and read back; a birth in a cgroup and the end of one.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "cli/doctor/checks.hpp"
#include "cli/doctor/cloned.hpp"
#include "common/kernel/clone.hpp"
#include "common/kernel/files.hpp"
#include "common/kernel/raw_syscall.hpp"

namespace herd::doctor {
namespace {

const std::string kDelegate =
    "run herdd as root where cgroups can be written; in a container mount them writable, with a cgroup of "
    "its own";

const std::string kDelegateToUser =
    "start herdd in a cgroup that is its user's: systemd-run --user --scope -p Delegate=yes herdd";

constexpr const char* kMountOne = "mount a cgroup tree: mount -t cgroup2 none /sys/fs/cgroup";

/// Waits for its end in the memory of the attempt, so by raw calls alone.
int sleep_forever(void*) {
  while (true) kernel::raw_syscall(SYS_ppoll, 0, 0, 0, 0, 0);
}

std::string place_of(const CgroupTrial& trial) {
  return (trial.hierarchy()->is_v2 ? "v2 at " : "v1 at ") + trial.hierarchy()->directory();
}

Result<std::string> read_back(const CgroupTrial& trial, const kernel::CgroupLimits& limits) {
  HERD_TRY(const kernel::WorkerCgroup cgroup, trial.create(limits));
  std::string seen = place_of(trial);
  for (const kernel::LimitReading& reading : cgroup.read_limits()) {
    if (reading.found != reading.wanted)
      return fail(reading.name + " is " + reading.found + " instead of " + reading.wanted);
    seen += ", " + reading.name + " " + reading.found;
  }
  return seen;
}

Result<std::string> v2_tree(const CgroupTrial& trial) {
  HERD_CHECK(trial.create({}));
  HERD_TRY(std::string controllers,
           kernel::read_file(trial.hierarchy()->directory() + "/cgroup.controllers"));
  while (!controllers.empty() && controllers.back() == '\n') controllers.pop_back();
  return place_of(trial) + ", " +
         (controllers.empty() ? "without controllers" : "with the controllers " + controllers);
}

/// Moves this process.
Status join(const kernel::WorkerCgroup& cgroup) {
  if (cgroup.v2_directory() >= 0) return kernel::write_file("cgroup.procs", "0", cgroup.v2_directory());
  for (const int tasks : cgroup.v1_tasks())
    if (write(tasks, "0", 1) != 1) return fail_errno("join a v1 cgroup");
  return {};
}

Result<std::string> limit_of_one_process(const CgroupTrial& trial) {
  HERD_TRY(const kernel::WorkerCgroup cgroup, trial.create({.pids = 1}));
  HERD_CHECK(join(cgroup));
  const pid_t second = fork();
  if (second == 0) _exit(0);
  if (second > 0) return fail("a second process was started where one is the limit");
  if (errno != EAGAIN) return fail_errno("fork");
  return place_of(trial) + ", pids.max 1: a second process was refused";
}

Result<std::string> birth_in_cgroup(const CgroupTrial& trial) {
  HERD_TRY(const kernel::WorkerCgroup cgroup, trial.create({}));
  block_all_signals();
  auto child = kernel::SharingChild::start({.cgroup = cgroup.v2_directory()}, sleep_forever, nullptr);
  if (!child) return tl::make_unexpected(child.error());
  const auto inside = cgroup.processes();
  (void)cgroup.kill();
  const kernel::Cloned ended = std::move(*child).wait_for_release();
  if (!inside) return tl::make_unexpected(inside.error());
  if (std::ranges::count(*inside, ended.pid) != 1) return fail("clone3 said yes, and the child is elsewhere");
  return place_of(trial) + ", the child was born in its cgroup";
}

/// A process of that cgroup, for which joining it is the first thing that it does.
Result<pid_t> start_inside(const kernel::WorkerCgroup& cgroup) {
  int ends[2];
  if (pipe(ends) != 0) return fail_errno("pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) {
    const auto joined = join(cgroup);
    const int answer = joined ? 0 : joined.error().errno_value;
    (void)!write(writer.get(), &answer, sizeof answer);
    while (joined) pause();
    _exit(1);
  }
  writer.reset();
  int answer = EIO;
  if (read(reader.get(), &answer, sizeof answer) != sizeof answer || answer != 0)
    return fail_errno("join the cgroup", answer);
  return child;
}

Result<std::string> end_of_a_tree(const CgroupTrial& trial) {
  HERD_TRY(const kernel::WorkerCgroup cgroup, trial.create({}));
  HERD_TRY(const pid_t child, start_inside(cgroup));
  HERD_CHECK(cgroup.kill());
  int status = 0;
  if (waitpid(child, &status, 0) != child) return fail_errno("waitpid");
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return fail("the process in it was not killed");
  return place_of(trial) + (trial.hierarchy()->is_v2 ? ", a process in it was killed"
                                                     : ", a process was frozen, killed, thawed");
}

Check v2_check(const CgroupTrials& trials, const std::string& name, kernel::Attempt attempt,
               const char* if_absent) {
  Check check{.name = name,
              .needed_for = kEveryPool,
              .attempt = std::move(attempt),
              .remedy = {kDelegate, if_absent}};
  if (trials.kind == "none") check.remedy.if_absent = kMountOne;
  if (trials.is_delegated) check.remedy = {kDelegateToUser, kDelegateToUser};
  if (trials.kind == "v1") check.excuse = "there is no v2 tree here: v1's tasks files and its freezer serve";
  return check;
}

Check limit_check(const CgroupTrials& trials, const std::string& name, kernel::Attempt attempt) {
  Check check{.name = name + " limit",
              .needed_for = kEveryPool,
              .attempt = std::move(attempt),
              .remedy = {kDelegate,
                         "mount a hierarchy with the " + name +
                             " controller, or free it where processes keep it from being given on (EBUSY)"}};
  if (trials.is_delegated) check.remedy = {kDelegateToUser, kDelegateToUser};
  return check;
}

Check freezer_check(const CgroupTrials& trials) {
  Check check{.name = "cgroup v1 freezer",
              .need = Need::some,
              .needed_for = "hosts without cgroup v2",
              .attempt = [&] { return end_of_a_tree(trials.v1_freezer); },
              .remedy = {kDelegate, "mount v1's freezer, or a v2 tree"}};
  if (!trials.v1_freezer.hierarchy() && trials.has_v2_mounted) check.excuse = "cgroup.kill serves";
  return check;
}

}  // namespace

std::vector<Check> cgroup_checks(const CgroupTrials& trials) {
  return {
      v2_check(
          trials, "cgroup v2 tree", [&] { return v2_tree(trials.v2); }, kMountOne),
      v2_check(
          trials, "birth in a cgroup", [&] { return birth_in_cgroup(trials.v2); },
          "use Linux 5.7 or later, and a seccomp profile that allows clone3"),
      v2_check(
          trials, "cgroup.kill", [&] { return end_of_a_tree(trials.v2); }, "use Linux 5.14 or later"),
      freezer_check(trials),
      limit_check(
          trials, "memory",
          [&] { return read_back(trials.memory, {.memory = Bytes{256ULL << 20}, .swap = Bytes{0}}); }),
      limit_check(trials, "cpu", [&] { return read_back(trials.cpu, {.cpu = 0.5}); }),
      limit_check(trials, "pids", [&] { return limit_of_one_process(trials.pids); }),
  };
}

}  // namespace herd::doctor

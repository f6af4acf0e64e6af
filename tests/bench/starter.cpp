#include "tests/bench/starter.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "common/kernel/files.hpp"
#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"
#include "daemon/worker/plan_builder.hpp"
#include "daemon/worker/verify.hpp"
#include "protocol/launch/owner_line.hpp"
#include "tests/bench/process.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kUidLockFile = "/run/herd-uids.lock";  // shared with every daemon of the host
constexpr auto kLongestStart = 10s;

std::string notify_path() {
  return "/run/herd-bench-" + std::to_string(getpid()) + ".notify";
}

/// The program's one byte; what herd-exec said instead where it did not come.
Status wait_for_program(const worker::Spawned& spawned) {
  char byte = 0;
  if (wait_readable(spawned.stdout_pipe.get(), kLongestStart) &&
      read(spawned.stdout_pipe.get(), &byte, 1) == 1)
    return {};
  auto message = kernel::receive_message(spawned.executor.line.get(), false);
  return fail("the worker did not start: " + (message ? message->text : message.error().message));
}

Status all_ok(const std::vector<worker::Check>& checks) {
  const std::string failed = worker::describe_failures(checks);
  return failed.empty() ? Status{} : fail(failed);
}

Status clear_away(worker::Spawned& spawned) {
  HERD_CHECK(kernel::send_message(spawned.executor.line.get(), launch::to_json(launch::Stop{SIGKILL, 0})));
  if (!wait_readable(spawned.executor.pidfd.get(), kLongestStart)) return fail("herd-exec did not end");
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(spawned.executor.pidfd.get()), &info, WEXITED);
  const auto deadline = Clock::now() + kLongestStart;
  auto removed = spawned.cgroup.remove();
  // EBUSY for a moment: the kernel has not let go of the last process yet.
  while (!removed && Clock::now() < deadline) removed = spawned.cgroup.remove();
  return removed;
}

/// Ends the init of bubblewrap's pid namespace, and so all in it. Ending bubblewrap itself would leave that
/// to
/// --die-with-parent, which its init may not have set yet when the program's first byte comes.
Status end_bubblewrap(Child& outer, int output) {
  HERD_TRY(const auto inner, children_of(outer.pid(), "bwrap"));
  for (const pid_t pid : inner) kill(pid, SIGKILL);
  if (inner.empty() || !wait_readable(output, kLongestStart))
    return fail("what bubblewrap started did not end");
  outer.end(SIGTERM, kLongestStart);
  return {};
}

}  // namespace

HerdStarter::HerdStarter(config::PoolSpec pool, bool verifies, kernel::Cgroups cgroups, UniqueFd program,
                         worker::UidPool uids, worker::DaemonFacts daemon)
    : pool_(std::move(pool)),
      verifies_(verifies),
      daemon_(std::move(daemon)),
      cgroups_(std::move(cgroups)),
      program_(std::move(program)),
      uids_(std::move(uids)),
      spawner_(cgroups_, program_, networks_, worker::Spawner::Privileges::no_new) {}

HerdStarter::~HerdStarter() {
  cgroups_.remove_pool(pool_.name);
  cgroups_.remove_root();
}

Result<std::unique_ptr<HerdStarter>> HerdStarter::make(const Place& place, const StarterOptions& options) {
  config::PoolSpec pool;
  pool.name = "bench";
  pool.command = {place.tiny_worker()};
  pool.sandbox = options.sandbox;
  pool.limits = options.limits;
  HERD_TRY(const std::string mountinfo, kernel::read_file("/proc/self/mountinfo", 8 << 20));
  HERD_TRY(kernel::CgroupLayout layout, kernel::find_cgroups(mountinfo));
  static int count = 0;
  const std::string root = "herd-bench-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  HERD_TRY(kernel::Cgroups cgroups, kernel::Cgroups::open(std::move(layout), root));
  HERD_TRY(UniqueFd program, kernel::sealed_program(place.executor()));
  HERD_TRY(worker::UidPool uids, worker::UidPool::open(kUidLockFile, {}));
  HERD_TRY(worker::DaemonFacts daemon, worker::read_daemon_facts());
  return std::unique_ptr<HerdStarter>(new HerdStarter(std::move(pool), options.verifies, std::move(cgroups),
                                                      std::move(program), std::move(uids),
                                                      std::move(daemon)));
}

Result<worker::SpawnOrder> HerdStarter::order(std::uint32_t uid) {
  worker::PlanParts parts;
  parts.worker = "bench-" + std::to_string(++last_worker_);
  parts.auto_uid = uid;
  parts.notify_path_on_host = notify_path();  // used where the worker has no mount namespace
  worker::SpawnOrder order;
  HERD_TRY(order.plan, worker::build_plan(pool_, parts));
  HERD_TRY(const worker::Filter filter, filters_.get(pool_.sandbox.seccomp));
  order.seccomp_filter = filter.file;
  order.limits = {pool_.limits.memory, pool_.limits.swap, pool_.limits.cpu, pool_.limits.pids};
  return order;
}

/// Who the worker is comes over the owner's line while the program starts.
Result<HerdStarter::Identified> HerdStarter::identify(const worker::Spawned& spawned) {
  if (!wait_readable(spawned.executor.line.get(), kLongestStart)) return fail("herd-exec told of no worker");
  HERD_TRY(const kernel::Message message, kernel::receive_message(spawned.executor.line.get(), false));
  HERD_TRY(const launch::FromExec said, launch::parse_from_exec(message.text));
  const auto* started = std::get_if<launch::Started>(&said);
  if (started == nullptr || message.fds.empty()) return fail("herd-exec said " + message.text);
  HERD_TRY(const pid_t pid, kernel::pid_of(message.fds.front().get()));
  HERD_TRY(const pid_t init, kernel::pid_of(spawned.executor.pidfd.get()));
  return Identified{pid, init, started->landlock_abi};
}

/// What is proven is read as herdd reads it.
Status HerdStarter::wait_until_runs(const launch::Plan& plan, const worker::Spawned& spawned) const {
  if (!verifies_) return wait_for_program(spawned);
  HERD_TRY(const Identified worker, identify(spawned));
  worker::Expectation expected{plan, pool_.sandbox.seccomp.policy != config::SeccompPolicy::off, daemon_};
  expected.init = worker.init;
  expected.landlock_abi = worker.landlock_abi;
  HERD_CHECK(all_ok(worker::verify_surroundings(worker.pid, expected, spawned.cgroup)));
  HERD_CHECK(wait_for_program(spawned));
  return all_ok(worker::verify_processes(worker.pid, expected, spawned.cgroup));
}

Result<double> HerdStarter::start_once() {
  HERD_TRY(const std::uint32_t uid, uids_.take());
  HERD_TRY(worker::SpawnOrder ordered, order(uid));
  const launch::Plan plan = ordered.plan;
  std::promise<worker::Spawner::Outcome<worker::Spawned>> promise;
  const auto begin = Clock::now();
  spawner_.submit(std::move(ordered), [&promise](worker::Spawner::Outcome<worker::Spawned> outcome) {
    promise.set_value(std::move(outcome));
  });
  auto spawned = promise.get_future().get();
  if (!spawned) return tl::make_unexpected(spawned.error().error);
  const Status started = wait_until_runs(plan, *spawned);
  const auto running = Clock::now();
  const Status cleared = clear_away(*spawned);
  unlink(notify_path().c_str());
  uids_.give_back(uid);
  HERD_CHECK(started);
  HERD_CHECK(cleared);
  return microseconds(running - begin);
}

Result<double> start_with_bubblewrap(const std::string& program, bool unshare_all) {
  static const std::vector<std::string> kNamespaces{"--unshare-pid", "--unshare-ipc", "--unshare-uts",
                                                    "--unshare-cgroup"};
  static const std::vector<std::string> kMounts{"--ro-bind", "/",       "/",    "--proc",
                                                "/proc",     "--dev",   "/dev", "--tmpfs",
                                                "/tmp",      "--tmpfs", "/run", "--die-with-parent"};
  std::vector<std::string> argv{"/usr/bin/bwrap"};
  const std::vector<std::string> all{"--unshare-all"};
  const std::vector<std::string>& namespaces = unshare_all ? all : kNamespaces;
  argv.insert(argv.end(), namespaces.begin(), namespaces.end());
  argv.insert(argv.end(), kMounts.begin(), kMounts.end());
  argv.push_back(program);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const auto begin = Clock::now();
  auto child = Child::start(argv, input.get(), -1);
  if (!child) return fail_in("bubblewrap (Debian package bubblewrap)", child.error());
  input.reset();
  const bool came = wait_readable(output.get(), kLongestStart);
  const auto running = Clock::now();
  char byte = 0;
  if (!came || read(output.get(), &byte, 1) != 1) return fail("the program did not start under bubblewrap");
  HERD_CHECK(end_bubblewrap(*child, output.get()));
  return microseconds(running - begin);
}

}  // namespace herd::bench

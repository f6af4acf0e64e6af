// A start, stopped at each of its steps: what the child of the daemon does before herd-exec runs, and what is
// left of a start whose daemon ends at that step.
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <filesystem>

#include "tests/support/daemon_test.hpp"
#include "tests/support/tracer.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// As the tracer counts them; the relay is started by herd-exec too.
constexpr int kExecutor = 1, kWorker = 2;

class StartSteps : public DaemonTest {
 protected:
  /// A daemon whose spawner is about to build the base tree, and then to start its first worker.
  void start_traced_for_the_base_tree() {
    start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}},
                                            {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}}));
    tracer_.emplace(thread_called(daemon_.pid(), "spawner"));
    daemon_.post("/v1/pools/a/scale", {{"min", 1}});
  }
  /// A daemon whose spawner is about to start its second worker. `relayed`: one that binds its port in a
  /// network of its own.
  void start_traced(bool relayed = false) {
    Json pool =
        testee_pool({relayed ? "listen-own-port" : "serve"},
                    {{"workers", {{"min", 1}, {"max", 2}}}, {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}});
    if (relayed) pool.merge_patch({{"listen", "port"}, {"sandbox", {{"network", "loopback"}}}});
    start_with("a", pool);
    daemon_.wait_until_ready("a");
    tracer_.emplace(thread_called(daemon_.pid(), "spawner"));
    daemon_.post("/v1/pools/a/scale", {{"min", 2}});
  }
  std::optional<Tracer> tracer_;
};

// Pitfall 5: malloc or a lock that another thread of the daemon holds would hang the child for ever.
TEST_F(StartSteps, TheDaemonsChildDoesNothingButExecute) {
  start_traced();
  std::vector<long> calls;
  const auto executes = tracer_->run_to([&calls](const SystemCall& call) {
    if (call.generation == kExecutor) calls.push_back(call.number);
    return call.number == SYS_execveat;
  });
  ASSERT_TRUE(executes);
  EXPECT_EQ(calls, (std::vector<long>{SYS_dup3, SYS_execveat}));
  tracer_->release();
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("workers").at("idle") == 2; });
}

struct Step {
  const char* name;
  int generation;
  long number;
  bool (*is_meant)(const SystemCall&) = nullptr;  // where the call alone does not say it
  enum class Of { worker, base_tree, relayed_worker } of = Of::worker;  // the tree comes before all workers
};

void PrintTo(const Step& step, std::ostream* out) {
  *out << step.name;
}

bool writes_to_tasks(const SystemCall& call) {
  std::error_code error;
  const fs::path fd = "/proc/" + std::to_string(call.process) + "/fd/" + std::to_string(call.arguments[0]);
  return fs::read_symlink(fd, error).filename() == "tasks";
}

bool sets_no_new_privs(const SystemCall& call) {
  return call.arguments[0] == PR_SET_NO_NEW_PRIVS;
}

bool makes_a_cgroup_namespace(const SystemCall& call) {
  return call.arguments[0] == CLONE_NEWCGROUP;
}

bool enters_a_network(const SystemCall& call) {
  return call.arguments[1] == CLONE_NEWNET;
}

const Step kSteps[] = {
    {"BaseTreeMounts", kExecutor, SYS_fsopen, nullptr, Step::Of::base_tree},
    {"BaseTreeRoot", kExecutor, SYS_pivot_root, nullptr, Step::Of::base_tree},
    {"BeforeTheExecutor", kExecutor, SYS_execveat},
    {"ReceivingThePlan", kExecutor, SYS_recvmsg},
    {"Session", kExecutor, SYS_setsid},
    {"Hostname", kExecutor, SYS_sethostname},
    {"Mounts", kExecutor, SYS_setns},
    {"Root", kExecutor, SYS_fsopen},
    {"JoiningV1Cgroups", kExecutor, SYS_write, writes_to_tasks},
    {"CgroupNamespace", kExecutor, SYS_unshare, makes_a_cgroup_namespace},
    {"NotifySocket", kExecutor, SYS_bind},
    {"Network", kExecutor, SYS_setns, enters_a_network, Step::Of::relayed_worker},
    {"StartingTheRelay", kExecutor, SYS_clone, nullptr, Step::Of::relayed_worker},
    {"TheRelaysPrivileges", kWorker, SYS_capset, nullptr, Step::Of::relayed_worker},
    {"StartingTheWorker", kExecutor, SYS_clone3},
    {"Limits", kWorker, SYS_prlimit64},
    {"Capabilities", kWorker, SYS_capset},
    {"Ids", kWorker, SYS_setresuid},
    {"NoNewPrivs", kWorker, SYS_prctl, sets_no_new_privs},
    {"Seccomp", kWorker, SYS_seccomp},
    {"TheWorkersProgram", kWorker, SYS_execve},
};

class KilledAtStep : public StartSteps, public ::testing::WithParamInterface<Step> {};

// Pitfall 11.
TEST_P(KilledAtStep, TheDaemonLeavesNothing) {
  const Step& step = GetParam();
  HERD_ONLY_WITH(step.is_meant != writes_to_tasks || !v1_mount("pids").empty(), "v1 pids hierarchy");
  step.of == Step::Of::base_tree ? start_traced_for_the_base_tree()
                                 : start_traced(step.of == Step::Of::relayed_worker);
  const auto reached = tracer_->run_to([&step](const SystemCall& call) {
    return call.generation == step.generation && call.number == step.number &&
           (step.is_meant == nullptr || step.is_meant(call));
  });
  daemon_.signal(SIGKILL);
  tracer_->release();  // before the wait: a daemon with a traced thread does not end
  daemon_.kill();
  ASSERT_TRUE(reached) << "the start has no such step";
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
  EXPECT_TRUE(processes_below(daemon_.cgroup_root()).empty());
  daemon_.start();  // clears up; its stop looks for what is left
}

INSTANTIATE_TEST_SUITE_P(All, KilledAtStep, ::testing::ValuesIn(kSteps),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace herd::test

// herdd without root: what a worker of an ordinary user's daemon has, seen from outside and by itself.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <filesystem>
#include <set>

#include "daemon/worker/listener.hpp"
#include "tests/support/as_user.hpp"
#include "tests/support/daemon_test.hpp"
#include "tests/support/herdctl.hpp"
#include "tests/support/rootless.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

bool has_program(const char* name) {
  return ::access((std::string("/usr/bin/") + name).c_str(), X_OK) == 0;
}

bool mentions(const Json& sentences, const std::string& words) {
  return std::ranges::any_of(
      sentences, [&](const Json& one) { return one.get<std::string>().find(words) != std::string::npos; });
}

std::string found(const Json& record, const std::string& name) {
  for (const Json& check : record.at("isolation").at("checks"))
    if (check.at("name") == name) return check.at("found");
  return "no such check";
}

class Rootless : public DaemonTest {
 protected:
  explicit Rootless(DaemonOptions options) : DaemonTest(std::move(options)) {}
  Rootless() : Rootless(rootless(SubordinateIds::some)) {}
  void SetUp() override {
    DaemonTest::SetUp();
    HERD_NEEDS(has_program("newuidmap") && has_program("newgidmap"), "the package uidmap");
  }
  void TearDown() override {
    DaemonTest::TearDown();
    EXPECT_EQ(processes_with_subordinate_uids(), std::vector<pid_t>{});
  }
  Json start_serving(const Json& sandbox = Json::object(), const Json& overrides = Json::object()) {
    start_with("a", rootless_pool(daemon_, testee_pool({"serve"}, overrides), sandbox));
    return daemon_.wait_until_ready("a");
  }
  [[nodiscard]] Herdctl herdctl() const { return Herdctl(daemon_.socket(), daemon_.programs() + "/herdctl"); }
  static void become_its_user() { become_user(kUser, kUsersGroup); }
};

TEST_F(Rootless, HasAGatewayToo) {
  const std::string address = "127.0.0.1:" + std::to_string(worker::pick_port({}).value());
  daemon_.write_config({{"gateway", {{"listen", {address}}, {"required", false}}}});
  start_serving({{"required", false}}, {{"gateway", {{"prefix", "/a/"}, {"session", {{"path", true}}}}}});
  EXPECT_EQ(ask("tcp:" + address, "/a/alice/").at("pool"), "a");
  const Json gateway = daemon_.get("/v1/status").at("gateway");
  EXPECT_EQ(daemon_.worker(gateway.at("workers").at(0)).at("isolation").at("verified"), true);
}

// On the host too: one uid for each, in the user's subordinate range, and not one capability.
TEST_F(Rootless, EachWorkerHasAHostUidOfItsOwnAndNoCapability) {
  start_serving({{"required", false}}, {{"workers", {{"min", 2}, {"max", 2}}}});
  const Json first = daemon_.acquire("a", "one"), second = daemon_.acquire("a", "two");
  std::set<std::string> uids;
  for (const Json& session : {first, second}) {
    const Json record = daemon_.worker(session.at("worker"));
    EXPECT_EQ(record.at("isolation").at("verified"), true);
    auto status = status_of(session.at("pid").get<pid_t>());
    const auto uid = record.at("uid").get<std::uint32_t>();
    EXPECT_GE(uid, first_uid());
    EXPECT_LT(uid, first_uid() + kGidCount) << "as many as there are of both";
    const std::string number = std::to_string(uid);
    EXPECT_EQ(status["Uid"], number + "\t" + number + "\t" + number + "\t" + number)
        << "the host's own number";
    EXPECT_EQ(status["Gid"].substr(0, 10), std::to_string(first_gid() + (uid - first_uid())));
    EXPECT_EQ(status["Groups"], "");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
      EXPECT_EQ(status[set], "0000000000000000") << set;
    uids.insert(number);
    EXPECT_FALSE(mentions(record.at("isolation").at("left_out"), "sandbox.user"));
    EXPECT_TRUE(mentions(record.at("isolation").at("left_out"), "controller memory")) << record;
    EXPECT_TRUE(mentions(record.at("isolation").at("left_out"), "Delegate=yes")) << record;
  }
  EXPECT_EQ(uids.size(), 2U);
  EXPECT_NE(daemon_.get("/v1/status").at("host").at("user").get<std::string>().find("uid 5, without root"),
            std::string::npos);
}

TEST_F(Rootless, ItIsKeptFromWhatItsPoolHides) {
  const TemporaryDirectory place("/var/tmp");
  const std::string& directory = place.path();
  start_serving({{"filesystem", {{"hide", {directory}}}}});
  const Ran ran =
      herdctl().run({"run", "a", "--", "/bin/sh", "-c",
                     "ls -A " + directory + " && echo hidden; : >/usr/herd-probe; id -u; umount " +
                         directory + "; kill -0 1"},
                    become_its_user);
  EXPECT_NE(ran.out.find("hidden\n"), std::string::npos) << ran.out << ran.err;
  EXPECT_NE(ran.err.find("/usr/herd-probe: Read-only"), std::string::npos) << ran.err;
  EXPECT_NE(ran.code, 0) << "no signal reaches its init";
}

// Whose a link is can't be told there; in "/" it is root's.
TEST_F(Rootless, ALinkIsFollowedInTheRootDirectoryAlone) {
  const std::string link = daemon_.directory() + "/link";
  fs::create_directory_symlink(daemon_.programs(), link);
  daemon_.write_pool("linked", rootless_pool(daemon_, testee_pool({"serve"}),
                                             {{"filesystem", {{"read_only", {daemon_.programs(), link}}}}}));
  if (fs::is_symlink("/bin")) {
    start_serving({{"filesystem", {{"read_only", {daemon_.programs(), "/bin"}}}}});
  } else {
    start_serving();
  }
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "linked"});
  EXPECT_EQ(gone.at("reason").at("errno"), ELOOP) << gone;
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("name what it leads to"), std::string::npos);
}

// Pitfall 11: nobody but the owner's line holds the workers.
TEST_F(Rootless, WhenHerddIsKilledItsWorkersEnd) {
  const Json record = start_serving();
  const auto worker = record.at("pid").get<pid_t>();
  const UniqueFd pidfd = open_pidfd(worker), init = open_pidfd(std::stoi(status_of(worker)["PPid"]));
  daemon_.kill();
  EXPECT_TRUE(ends_within(pidfd, kPatience));
  EXPECT_TRUE(ends_within(init, kPatience));
}

// Without a cgroup the pid namespace is what ends them.
TEST_F(Rootless, AStubbornTreeEndsWithItsWorker) {
  start_with("a", rootless_pool(daemon_, testee_pool({"stubborn-tree"}, {{"stop", {{"grace", "200ms"}}}})));
  const Json record = daemon_.wait_until_ready("a");
  EXPECT_GT(processes_with_subordinate_uids().size(), 1U);
  daemon_.post("/v1/workers/" + record.at("id").get<std::string>() + "/stop");
  daemon_.wait_for({.type = "worker_gone", .worker = record.at("id")});
}

// Pitfall 25: of every process of the worker, which are then found by their pid namespace.
TEST_F(Rootless, AChildThatIsNotInTheFilterIsSeenWithoutCgroups) {
  start_with("a", rootless_pool(daemon_, testee_pool({"child-before-entering"})));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("kind"), "not_verified") << gone;
}

class RootlessNetwork : public Rootless, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, RootlessNetwork, ::testing::Values("none", "loopback"));

TEST_P(RootlessNetwork, IsItsOwn) {
  const Json record = start_serving({{"network", GetParam()}});
  EXPECT_EQ(found(record, "namespace net").substr(0, 4), "own ");
  EXPECT_TRUE(ask(record.at("address"), "/report").is_object());
}

TEST_F(Rootless, AWorkerThatBindsItsPortIsKnownByIt) {
  start_with("a", rootless_pool(daemon_, testee_pool({"listen-own-port"}, {{"listen", "port"}}),
                                {{"seccomp", "off"}}));
  EXPECT_TRUE(ask(daemon_.wait_until_ready("a").at("address"), "/report").is_object());
}

// Its libraries are found through links whose owners can't be told there.
TEST_F(Rootless, AMinimalRootHoldsADynamicProgramsLibraries) {
  Json pool = testee_pool({}, {{"ready", {{"started", true}}}, {"stop", {{"signal", "SIGKILL"}}}});
  pool["command"] = {"/bin/bash", "-c", "kill -STOP $$"};
  pool["sandbox"] = {{"required", false}, {"seccomp", "off"}, {"filesystem", {{"root", "minimal"}}}};
  start_with("a", pool);
  const Json record = daemon_.wait_until_ready("a");
  EXPECT_EQ(found(record, "root"), "a tree of its own");
  const std::string root = "/proc/" + std::to_string(record.at("pid").get<pid_t>()) + "/root";
  EXPECT_TRUE(fs::exists(root + "/bin/bash"));
  EXPECT_FALSE(fs::exists(root + "/etc/passwd"));
}

TEST_F(Rootless, ACommandRunsOnATerminalOfItsOwn) {
  start_serving();
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::unlockpt(master.get()), 0);
  const int slave = ::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY);
  const Ran ran =
      herdctl().run({"run", "a", "--", "/bin/sh", "-c", "test -t 0 && : </dev/tty && exit 7"}, [&] {
        ::fchown(slave, kUser, kUsersGroup);
        ::setsid();
        ::ioctl(slave, TIOCSCTTY, 0);
        for (const int number : {0, 1, 2}) ::dup2(slave, number);
        become_its_user();
      });
  ::close(slave);
  EXPECT_EQ(ran.code, 7) << ran.err;
}

/// In a cgroup that is the user's, as a unit with Delegate=yes has it.
class RootlessDelegated : public Rootless {
 protected:
  RootlessDelegated() : Rootless(options(*cgroups_holder())) {}
  void SetUp() override {
    Rootless::SetUp();
    HERD_NEEDS(!v2_mount().empty(), "a cgroup v2 tree");
  }
  void TearDown() override {
    Rootless::TearDown();
    EXPECT_EQ(cgroups_->children(), std::vector<std::string>{});
    cgroups_holder().reset();
  }
  static std::shared_ptr<DelegatedCgroups>& cgroups_holder() {
    static std::shared_ptr<DelegatedCgroups> cgroups;
    if (!cgroups) cgroups = std::make_shared<DelegatedCgroups>();
    return cgroups;
  }
  static DaemonOptions options(const DelegatedCgroups& cgroups) {
    DaemonOptions options = rootless(SubordinateIds::some);
    options.before_exec = [&cgroups, set_ids = with_subordinate_ids(SubordinateIds::some)] {
      cgroups.join();
      set_ids();
    };
    return options;
  }
  std::shared_ptr<DelegatedCgroups> cgroups_ = cgroups_holder();
};

TEST_F(RootlessDelegated, ADefaultPoolHasAllOfItsSandbox) {
  const Json record =
      start_serving({{"required", true}}, {{"limits", {{"cpu", 0.5}, {"memory", "64MiB"}, {"pids", 50}}}});
  EXPECT_EQ(record.at("isolation").at("verified"), true);
  EXPECT_EQ(record.at("isolation").at("left_out"), Json::array());
  const std::string leaf = cgroups_->path() + daemon_.leaf_of(record.at("id"));
  EXPECT_EQ(found(record, "cgroup"), leaf);
  const std::string seen = text_of("/proc/" + std::to_string(record.at("pid").get<pid_t>()) + "/cgroup");
  EXPECT_NE(seen.find("0::" + leaf + "\n"), std::string::npos) << seen;
  const std::string pids = v1_mount("pids").empty() ? v2_mount() : v1_mount("pids");
  EXPECT_EQ(text_of(pids + leaf + "/pids.max"), "50\n") << pids + leaf;
  EXPECT_GT(record.at("usage").at("memory_bytes"), 0);
}

// Its cgroup is what ends it then.
TEST_F(RootlessDelegated, AWorkerWithoutAPidNamespaceIsHeldByItsCgroup) {
  const Json pool = testee_pool({"stubborn-tree"}, {{"stop", {{"grace", "200ms"}}}});
  start_with("a", rootless_pool(daemon_, pool, {{"required", true}, {"namespaces", {"ipc", "uts"}}}));
  const Json record = daemon_.wait_until_ready("a");
  EXPECT_EQ(record.at("isolation").at("verified"), true);
  daemon_.post("/v1/workers/" + record.at("id").get<std::string>() + "/stop");
  daemon_.wait_for({.type = "worker_gone", .worker = record.at("id")});
}

// What an earlier run left in its cgroup is ended, and the cgroup can be used again.
TEST_F(RootlessDelegated, ADaemonAfterOneThatWasKilledClearsUp) {
  const Json record = start_serving({{"required", true}});
  const UniqueFd worker = open_pidfd(record.at("pid").get<pid_t>());
  daemon_.kill();
  cgroups_->let_processes_in();
  daemon_.start();
  EXPECT_TRUE(ends_within(worker, kPatience));
  EXPECT_EQ(daemon_.wait_until_ready("a").at("isolation").at("verified"), true);
}

TEST_F(RootlessDelegated, OutOfMemoryIsCalledSo) {
  const Json record =
      start_serving({{"required", true}}, {{"limits", {{"memory", "64MiB"}, {"swap", "0B"}}}});
  ask(record.at("address"), "/eat");
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = record.at("id")});
  EXPECT_EQ(gone.at("reason").at("kind"), "oom_killed") << gone;
}

/// Its programs are on a mount of their own, as /home and /usr/local may be.
class RootlessOnAMount : public Rootless {
 protected:
  RootlessOnAMount() : Rootless(options()) {}
  static DaemonOptions options() {
    DaemonOptions options = rootless(SubordinateIds::some);
    options.before_exec = [set_ids = with_subordinate_ids(SubordinateIds::some)] {
      set_ids();
      if (::mount("/tmp", "/tmp", nullptr, MS_BIND | MS_REC, nullptr) != 0) ::_exit(126);
    };
    return options;
  }
};

TEST_F(RootlessOnAMount, HerddFindsItsExecutor) {
  start_serving();
  daemon_.acquire("a", "s");
}

/// The user's own id is all that there is.
class RootlessAlone : public Rootless {
 protected:
  RootlessAlone() : Rootless(with_groups()) {}
  static DaemonOptions with_groups() {
    DaemonOptions options = rootless(SubordinateIds::none);
    options.groups = {kUsersGroup, 1};
    return options;
  }
};

TEST_F(RootlessAlone, ByDefaultAPoolIsRefusedWithTheRemedy) {
  start_with("a", rootless_pool(daemon_, testee_pool({"serve"}), {{"required", true}}));
  const Json pool = daemon_.wait_for_pool("a", [](const Json& one) { return one.at("state") == "failed"; });
  const std::string reason = pool.at("reason");
  EXPECT_NE(reason.find("has no subordinate uids in /etc/subuid"), std::string::npos) << reason;
  EXPECT_NE(reason.find("usermod --add-subuids"), std::string::npos) << reason;
}

TEST_F(RootlessAlone, NotRequiredItRunsAsTheUserAndThatIsSaid) {
  const Json record = start_serving({{"required", false}});
  EXPECT_EQ(record.at("isolation").at("verified"), true);
  EXPECT_EQ(record.at("uid"), kUser) << "the host's number";
  const Json left_out = record.at("isolation").at("left_out");
  EXPECT_TRUE(mentions(left_out, "the worker has herdd's own")) << left_out;
  EXPECT_TRUE(mentions(left_out, "keeps the groups")) << left_out;
  auto status = status_of(record.at("pid").get<pid_t>());
  EXPECT_EQ(status["Uid"], "5\t5\t5\t5");
  EXPECT_EQ(status["Groups"], "1 60 ") << "nobody could take them away";
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_EQ(status[set], "0000000000000000") << set;
}

// With herdd's own uid it would be an admin.
TEST_F(RootlessAlone, ItsControlSocketIsHiddenFromAWorkerWithItsUid) {
  start_serving({{"filesystem", {{"read_only", {daemon_.programs(), daemon_.directory() + "/run"}}}}});
  const Ran ran =
      herdctl().run({"run", "a", "--", "/bin/sh", "-c",
                     "test -S " + daemon_.socket() + " || ls " + daemon_.directory() + "/run/workers"},
                    become_its_user);
  EXPECT_EQ(ran.out, "") << "a socket could be found";
  EXPECT_EQ(ran.code, 0) << ran.err;
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // they want other limits than a worker has
  const Ran tried = herdctl().run(
      {"run", "a", "--", daemon_.programs() + "/herdctl", "--socket", daemon_.socket(), "status"},
      become_its_user);
  EXPECT_EQ(tried.code, 5) << tried.out << tried.err;
#endif
}

TEST_F(RootlessAlone, HerddsOwnUidTakesThePidNamespace) {
  start_with("a", rootless_pool(daemon_, testee_pool({"serve"}),
                                {{"required", false}, {"namespaces", {"mount", "ipc", "uts", "cgroup"}}}));
  const Json pool = daemon_.wait_for_pool("a", [](const Json& one) { return one.at("state") == "failed"; });
  EXPECT_NE(pool.at("reason").get<std::string>().find("\"pid\""), std::string::npos) << pool;
}

}  // namespace
}  // namespace herd::test

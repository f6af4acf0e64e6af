// herdd without root: what it refuses, and to whom.
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>

#include "common/kernel/files.hpp"
#include "common/seccomp/deny_one.hpp"
#include "tests/support/as_user.hpp"
#include "tests/support/daemon_test.hpp"
#include "tests/support/rootless.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534, kDaemon = 1;
constexpr int kBadConfig = 3, kCannotStart = 1;

/// unshare(2) is refused, as a container engine's filter does.
void forbid_unshare() {
  if (!seccomp::deny_one(SYS_unshare, {})) ::_exit(126);
}

/// All of the host's ids, which only a process outside may map.
void map_all_ids(pid_t target) {
  const std::string process = "/proc/" + std::to_string(target);
  const bool is_done = kernel::write_file(process + "/uid_map", "0 0 65536") &&
                       kernel::write_file(process + "/gid_map", "0 0 65536");
  ::_exit(is_done ? 0 : 1);
}

/// In a user namespace in which there may be no other.
void switch_user_namespaces_off() {
  int made[2];
  const pid_t target = ::getpid();
  const pid_t mapper = ::pipe(made) == 0 ? ::fork() : -1;
  char word = 0;
  if (mapper == 0 && ::read(made[0], &word, 1) == 1) map_all_ids(target);
  int status = -1;
  if (::unshare(CLONE_NEWUSER) != 0 || ::write(made[1], "1", 1) != 1 ||
      ::waitpid(mapper, &status, 0) != mapper || status != 0 ||
      !kernel::write_file("/proc/sys/user/max_user_namespaces", "0"))
    ::_exit(126);
}

class RootlessRefusals : public DaemonTest {
 protected:
  RootlessRefusals() : DaemonTest(rootless(SubordinateIds::some)) {}

  static std::string log_of_one_that_can_not_start(void (*before_exec)()) {
    DaemonOptions options = rootless(SubordinateIds::some);
    options.before_exec = before_exec;
    TestDaemon daemon(std::move(options));
    EXPECT_EQ(daemon.start_in_vain(), kCannotStart);
    return daemon.log();
  }
  void expect_refused(const std::string& words) {
    EXPECT_EQ(daemon_.check(), kBadConfig);
    EXPECT_NE(daemon_.log().find(words), std::string::npos) << daemon_.log();
  }
  static std::string status_for(const TestDaemon& daemon, uid_t uid) {
    return as_user(uid, uid, [&] {
      protocol::Client client(daemon.socket());
      const auto reply = client.send({.method = "GET", .target = "/v1/status", .body = nullptr});
      if (!reply) return std::string(strerrorname_np(reply.error().errno_value));
      const auto refusal = protocol::refusal_from(reply->body);
      return std::to_string(reply->status) + (refusal ? " " + refusal->message : "");
    });
  }
};

TEST_F(RootlessRefusals, WithoutUserNamespacesItSaysWhatForbidsThem) {
  const std::string filtered = log_of_one_that_can_not_start(forbid_unshare);
  EXPECT_NE(filtered.find("needs a user namespace"), std::string::npos) << filtered;
  EXPECT_NE(filtered.find("Operation not permitted"), std::string::npos) << filtered;
  EXPECT_NE(filtered.find("seccomp filter"), std::string::npos) << filtered;
  EXPECT_NE(filtered.find("herdctl doctor"), std::string::npos) << filtered;
  HERD_NEEDS(::access("/proc/sys/user/max_user_namespaces", F_OK) == 0, "sysctl user.max_user_namespaces");
  const std::string off = log_of_one_that_can_not_start(switch_user_namespaces_off);
  EXPECT_NE(off.find("user.max_user_namespaces is 0: sysctl user.max_user_namespaces="), std::string::npos)
      << off;
}

// SO_PEERCRED shows everybody but the user as 65534, which is the number of the account nobody too.
TEST_F(RootlessRefusals, NobodyButTheUserHasARole) {
  const Json roles{{"admin", {{"users", {"nobody", "daemon"}}, {"groups", {"nogroup", "daemon"}}}}};
  TestDaemon daemon(rootless(SubordinateIds::some, {{"control", {{"mode", "0666"}, {"roles", roles}}}}));
  daemon.write_pool("a",
                    rootless_pool(daemon, testee_pool({"serve"}, {{"clients", {{"users", {"nobody"}}}}})));
  daemon.start();
  EXPECT_EQ(status_for(daemon, kUser), "200");
  for (const uid_t uid : {kNobody, kDaemon, uid_t{0}, uid_t{54'321}}) {
    const std::string answer = status_for(daemon, uid);
    EXPECT_EQ(answer.substr(0, 3), "403") << uid;
    EXPECT_NE(answer.find("can't tell from others"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("65534"), std::string::npos) << answer;
  }
  const auto acquired = as_user(kNobody, kNobody, [&] {
    protocol::Client client(daemon.socket());
    return client.send({.method = "POST", .target = "/v1/pools/a/sessions", .body = Json::object()});
  });
  EXPECT_EQ(acquired->status, 403U);
  daemon.stop();
}

TEST_F(RootlessRefusals, AConfigFileOfSomebodyElseIsNotRead) {
  daemon_.write_pool("a", rootless_pool(daemon_, testee_pool({"serve"})));
  ASSERT_EQ(::chown((daemon_.directory() + "/pools.d/a.json").c_str(), kNobody, kNobody), 0);
  expect_refused("belongs to the host's root or to another user");
  ASSERT_EQ(::chown((daemon_.directory() + "/pools.d/a.json").c_str(), 0, 0), 0);
  expect_refused("belongs to the host's root or to another user");
  ASSERT_EQ(::chown((daemon_.directory() + "/pools.d/a.json").c_str(), kUser, 0), 0);
  ASSERT_EQ(::chmod((daemon_.directory() + "/pools.d/a.json").c_str(), 0664), 0);
  expect_refused("is writable by its group or by others");
}

TEST_F(RootlessRefusals, AUserThatIsNotMappedIsNoWorkers) {
  daemon_.write_pool("a", rootless_pool(daemon_, testee_pool({"serve"}), {{"user", "daemon"}}));
  expect_refused("which is not mapped into herdd's user namespace");
}

TEST_F(RootlessRefusals, UidsThatAreNotMappedAreNotGiven) {
  TestDaemon daemon(rootless(SubordinateIds::some, {{"uids", {{"first", 100'000}, {"count", 10}}}}));
  EXPECT_EQ(daemon.check(), kBadConfig);
  EXPECT_NE(daemon.log().find("the ids 100000 to 100009 are not mapped"), std::string::npos) << daemon.log();
  EXPECT_NE(daemon.log().find(std::to_string(first_uid()) + " to"), std::string::npos) << daemon.log();
}

TEST_F(RootlessRefusals, TheUserByNameIsAWorkersWhoseFileSaysSo) {
  start_with("a", rootless_pool(daemon_, testee_pool({"serve"}), {{"user", kUserName}}));
  const Json record = daemon_.wait_until_ready("a");
  EXPECT_EQ(record.at("uid"), kUser);
  EXPECT_EQ(status_of(record.at("pid").get<pid_t>())["Uid"], "5\t5\t5\t5");
  EXPECT_EQ(record.at("isolation").at("verified"), true);
}

TEST_F(RootlessRefusals, LimitsThatNobodyGaveAreRefusedByDefault) {
  start_with("a", rootless_pool(daemon_, testee_pool({"serve"}), {{"required", true}}));
  const Json pool = daemon_.wait_for_pool("a", [](const Json& one) { return one.at("state") == "failed"; });
  const std::string reason = pool.at("reason");
  EXPECT_NE(reason.find("systemd-run --user --scope -p Delegate=yes herdd"), std::string::npos) << reason;
  EXPECT_NE(reason.find("\"required\": false"), std::string::npos) << reason;
}

TEST_F(RootlessRefusals, WithoutCgroupAndPidNamespaceNothingIsStarted) {
  start_with("a", rootless_pool(daemon_, testee_pool({"serve"}), {{"namespaces", {"ipc"}}}));
  const Json pool = daemon_.wait_for_pool("a", [](const Json& one) { return one.at("state") == "failed"; });
  EXPECT_NE(pool.at("reason").get<std::string>().find("without a pid namespace"), std::string::npos) << pool;
}

// Only the host's root may mount a /proc of the host's processes.
TEST_F(RootlessRefusals, AProcOfItsOwnTakesAPidNamespace) {
  start_with("a", rootless_pool(daemon_, testee_pool({"serve"}), {{"namespaces", {"mount", "ipc"}}}));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_NE(
      gone.at("reason").at("text").get<std::string>().find("a worker's own /proc takes a pid namespace"),
      std::string::npos)
      << gone;
}

/// `herdd` and `herdctl` without a word of where their files are.
class RootlessPlaces : public RootlessRefusals {};

TEST_F(RootlessPlaces, AnOrdinaryUsersFilesAreInItsOwnDirectories) {
  const std::string home = daemon_.directory();
  const std::string check = home + "/checked";
  const std::vector<std::string> environment{"PATH=/usr/bin:/bin", "HOME=" + home, "XDG_RUNTIME_DIR=" + home};
  const auto run = [&](const std::string& program, const std::vector<std::string>& words) {
    std::vector<std::string> arguments{daemon_.programs() + "/" + program};
    arguments.insert(arguments.end(), words.begin(), words.end());
    Process process(arguments, {environment, [] { become_user(kUser, kUsersGroup); }, check});
    return process.wait(kPatience).value_or(-1);
  };
  EXPECT_NE(run("herdd", {"--check"}), 0);
  EXPECT_NE(text_of(check).find(home + "/.config/herd/herd.json"), std::string::npos) << text_of(check);
  EXPECT_NE(run("herdctl", {"check"}), 0);
  const std::string config = home + "/.config/herd";
  fs::create_directories(config + "/pools.d");
  std::ofstream(config + "/herd.json") << "{}";
  for (const char* path : {"", "/pools.d", "/herd.json"})
    ASSERT_EQ(::chown((config + path).c_str(), kUser, kUsersGroup), 0);
  EXPECT_EQ(run("herdd", {"--check"}), 0) << text_of(check);
  EXPECT_EQ(run("herdctl", {"check"}), 0) << text_of(check);
  EXPECT_NE(run("herdctl", {"status"}), 0);
  EXPECT_NE(text_of(check).find("/run/herd/control.sock"), std::string::npos)
      << "the user has none, so the system's is meant";
  EXPECT_EQ(text_of(check).find(home + "/herd/control.sock"), std::string::npos) << text_of(check);
  fs::create_directories(home + "/herd");
  std::ofstream(home + "/herd/control.sock") << "";
  EXPECT_NE(run("herdctl", {"status"}), 0);
  EXPECT_NE(text_of(check).find(home + "/herd/control.sock"), std::string::npos) << text_of(check);
}

}  // namespace
}  // namespace herd::test

// `herdctl run`: a command in exactly a pool's sandbox, on the caller's own files.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "tests/support/daemon_test.hpp"
#include "tests/support/herdctl.hpp"

namespace herd::test {
namespace {

constexpr uid_t kFirstWorkerUid = 1'900'000'000;
constexpr uid_t kStranger = 1;

class Run : public DaemonTest {
 protected:
  void start() {
    start_with("a", testee_pool({"serve"}));
    daemon_.wait_until_ready("a");
  }
  [[nodiscard]] static std::vector<std::string> shell(const std::string& script) {
    return {"run", "a", "--", "/bin/sh", "-c", script};
  }
  /// Starts a command that says "up" when all of its tree is there, and waits for that.
  [[nodiscard]] Process start_tree(const std::string& script) const {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    Process process = herdctl_.start(shell(script), [&writer] { ::dup2(writer.get(), STDOUT_FILENO); });
    writer.reset();
    char word[3];
    EXPECT_EQ(::read(reader.get(), word, sizeof word), 3) << herdctl_.end_of(process).err;
    return process;
  }
  /// The command's sleepers, once there are so many: a shell says "up" before its children are what they
  /// become.
  [[nodiscard]] std::vector<UniqueFd> sleepers(std::size_t count) const {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    std::vector<UniqueFd> found;
    while (found.size() < count && std::chrono::steady_clock::now() < end) {
      found.clear();
      for (const pid_t pid : processes_below(daemon_.cgroup_root()))
        if (status_of(pid)["Name"] == "sleep") found.push_back(open_pidfd(pid));
    }
    EXPECT_EQ(found.size(), count);
    return found;
  }

  Herdctl herdctl_{daemon_.socket()};
};

TEST_F(Run, TheCommandHasThePoolsSandboxAndItsExitCodeIsOurs) {
  start();
  const Ran ran = herdctl_.run(shell("cat /proc/self/status /proc/self/cgroup; exit 7"));
  EXPECT_EQ(ran.code, 7) << ran.err;
  const auto number_after = [&ran](const std::string& word, int base) {
    const std::size_t at = ran.out.find("\n" + word + ":\t");
    return at == std::string::npos ? 0 : std::stoull(ran.out.substr(at + word.size() + 3), nullptr, base);
  };
  EXPECT_GE(number_after("Uid", 10), kFirstWorkerUid) << ran.out;
  EXPECT_NE(ran.out.find("\nCapEff:\t0000000000000000\n"), std::string::npos) << ran.out;
  EXPECT_EQ(number_after("NoNewPrivs", 10), 1U);
  EXPECT_EQ(number_after("Seccomp", 10), 2U) << ran.out;
  EXPECT_NE(ran.out.find("\n0::/\n"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(daemon_.workers("a").size(), 1U) << "it counts in no pool";
}

TEST_F(Run, StdinFromAFileArrives) {
  start();
  const std::string file = daemon_.directory() + "/words";
  std::ofstream(file) << "from a file\n";
  const Ran ran = herdctl_.run(shell("cat"), [&file] { ::dup2(::open(file.c_str(), O_RDONLY), 0); });
  EXPECT_EQ(ran.out, "from a file\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST_F(Run, StdinFromAPipeArrivesAndEnds) {
  start();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  Process process = herdctl_.start(shell("cat; echo ended >&2"), [&reader] { ::dup2(reader.get(), 0); });
  ASSERT_EQ(::write(writer.get(), "from a pipe\n", 12), 12);
  writer.reset();
  const Ran ran = herdctl_.end_of(process);
  EXPECT_EQ(ran.out, "from a pipe\n");
  EXPECT_EQ(ran.err, "ended\n");
  EXPECT_EQ(ran.code, 0);
}

TEST_F(Run, ACommandThatASignalEndsIs128AndItsNumber) {
  start();
  const Ran ran = herdctl_.run(shell("kill -9 $$"));
  EXPECT_EQ(ran.code, 128 + SIGKILL);
  EXPECT_NE(ran.err.find("SIGKILL"), std::string::npos) << ran.err;
}

TEST_F(Run, WhatCannotRunSaysWhyByItsExitCode) {
  start();
  const auto code_of = [this](const std::vector<std::string>& words) { return herdctl_.run(words).code; };
  EXPECT_EQ(code_of({"run", "a", "--", "/nonexistent/program"}), 127);
  EXPECT_EQ(code_of({"run", "a", "--", "bin/sh"}), 2);
  EXPECT_EQ(code_of({"run", "a"}), 2);
  EXPECT_EQ(code_of({"run", "nope", "--", "/bin/true"}), 3);
  const Ran missing = herdctl_.run({"run", "a", "--", "/nonexistent/program"});
  EXPECT_NE(missing.err.find("No such file or directory"), std::string::npos) << missing.err;
  EXPECT_EQ(code_of({"run", "a", "--", "/bin/true"}), 0);
}

TEST_F(Run, WithoutADaemonItIs5) {
  EXPECT_EQ(herdctl_.run({"run", "a", "--", "/bin/true"}).code, 5);
}

TEST_F(Run, AStrangerIsForbidden) {
  start();
  const Ran ran = herdctl_.run({"run", "a", "--", "/bin/true"}, [] {
    if (::setgid(kStranger) != 0 || ::setuid(kStranger) != 0) ::_exit(99);
  });
  EXPECT_EQ(ran.code, 6) << ran.err;
}

TEST_F(Run, WhenHerdctlIsKilledTheCommandsTreeEnds) {
  start();
  Process process = start_tree("sleep 1000 & sleep 1000 & echo up; wait");
  const auto tree = sleepers(2);
  process.signal(SIGKILL);
  for (const UniqueFd& sleeper : tree) EXPECT_TRUE(ends_within(sleeper, kPatience));
  daemon_.wait_for({.type = "run_ended"});
}

TEST_F(Run, ASignalToHerdctlEndsTheCommandAndIsItsExitCode) {
  start();
  Process process = start_tree("sleep 1000 & echo up; wait");
  const auto tree = sleepers(1);
  process.signal(SIGTERM);
  EXPECT_EQ(herdctl_.end_of(process).code, 128 + SIGTERM);
  for (const UniqueFd& sleeper : tree) EXPECT_TRUE(ends_within(sleeper, kPatience));
}

// It was 127, as of a command that could not be started. DaemonTest's stop looks for what is left.
TEST_F(Run, ADaemonThatStopsEndsTheCommand) {
  start();
  Process process = start_tree("sleep 1000 & echo up; wait");
  daemon_.signal(SIGTERM);
  const Ran ran = herdctl_.end_of(process);
  EXPECT_EQ(ran.code, 128 + SIGTERM);
  EXPECT_NE(ran.err.find("stopped"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace herd::test

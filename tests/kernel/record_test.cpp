// herdctl seccomp record, the real one: what it writes is what the command needs, and no more.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/seccomp/build.hpp"
#include "common/seccomp/install.hpp"
#include "config/profile_file.hpp"
#include "tests/support/as_user.hpp"
#include "tests/support/herdctl.hpp"
#include "tests/support/host.hpp"
#include "tests/support/needs.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

using Json = nlohmann::json;
using CommandWords = std::vector<std::string>;

constexpr int kWritten = 0, kNotWritten = 1, kWrongUsage = 2, kNotStarted = 127;
constexpr uid_t kRecordingUser = 65534;

CommandWords operator+(CommandWords words, const CommandWords& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// As herdctl's command has it.
const CommandWords kCommandEnvironment{"PATH=/usr/bin:/bin", "TERM=xterm"};

class RecordPipe {
 public:
  RecordPipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  /// What comes until there are so many characters, or nobody can write any more.
  [[nodiscard]] std::string read(std::size_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    std::string text;
    while (text.size() < count) {
      pollfd entry{reader.get(), POLLIN, 0};
      if (::poll(&entry, 1, milliseconds_left(deadline)) <= 0) return text + "(and then nothing)";
      char byte = 0;
      if (::read(reader.get(), &byte, 1) != 1) break;
      text += byte;
    }
    return text;
  }
  UniqueFd reader, writer;
};

/// By notifications, and by tracing.
class Record : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { HERD_NEEDS(can_run_workers(), "root and cgroups"); }

  [[nodiscard]] static bool is_traced() { return GetParam() == "ptrace"; }
  [[nodiscard]] static CommandWords verb() {
    return CommandWords{"seccomp", "record"} + (is_traced() ? CommandWords{"--ptrace"} : CommandWords{});
  }
  [[nodiscard]] std::string file(const std::string& name) const { return place_.path() + "/" + name; }
  [[nodiscard]] CommandWords recording(const std::string& output, const CommandWords& options,
                                       const CommandWords& command) const {
    return CommandWords{"-o", "json"} + verb() + CommandWords{"--output", file(output)} + options +
           CommandWords{"--"} + command;
  }
  /// What herdctl reports of a recording that succeeds.
  Json record(const std::string& output, const CommandWords& command,
              const CommandWords& options = {"--with-exec"}, std::function<void()> before_exec = {}) const {
    const Ran ran = herdctl_.run(recording(output, options, command), std::move(before_exec));
    EXPECT_EQ(ran.code, kWritten) << ran.err;
    return report_in(ran);
  }
  /// Behind what the command itself wrote there.
  static Json report_in(const Ran& ran) {
    const std::size_t start = ran.err.find("{\n");
    return start == std::string::npos ? Json::object() : Json::parse(ran.err.substr(start), nullptr, false);
  }

  [[nodiscard]] seccomp::Profile profile(const std::string& name) const {
    config::Issues issues(name);
    const auto read = config::read_profile(text_of(file(name)), name, {}, issues);
    EXPECT_TRUE(read) << config::to_text(std::move(issues).take());
    return read.value_or(seccomp::Profile{});
  }
  [[nodiscard]] bool allows(const std::string& name, const std::string& call) const {
    for (const seccomp::Rule& rule : profile(name).rules)
      if (rule.action == seccomp::Action::allow &&
          std::find(rule.names.begin(), rule.names.end(), call) != rule.names.end())
        return true;
    return false;
  }
  /// The wait status of the command under that profile.
  [[nodiscard]] int run_under(const std::string& name, seccomp::Policy policy,
                              const CommandWords& command) const {
    const auto program = seccomp::build(profile(name), policy);
    if (!program) throw std::runtime_error(program.error().message);
    Process process(command, {kCommandEnvironment,
                              [&program] {
                                if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                                    !seccomp::install(program->instructions, {}))
                                  ::_exit(126);
                              },
                              file("output")});
    return process.wait(kPatience).value_or(-1);
  }
  /// It was recorded, and then does the same under its profile, where one call more would end it.
  void expect_enough(const CommandWords& command) const {
    const Json report = record("p.json", command);
    EXPECT_EQ(report.value("exit_code", -1), 0) << report;
    EXPECT_EQ(run_under("p.json", seccomp::Policy::kill, command), 0)
        << text_of(file("output")) << text_of(file("p.json"));
  }

  TemporaryDirectory place_;
  Herdctl herdctl_{"/nonexistent/herd.sock"};
};

INSTANTIATE_TEST_SUITE_P(By, Record, testing::Values("notify", "ptrace"),
                         [](const auto& one) { return one.param; });

const std::string kRecordedTestee = HERD_TEST_TESTEE;

TEST_P(Record, AProgramsProfileIsEnoughForItAndForNoCallMore) {
  expect_enough({kRecordedTestee, "known-calls"});
  for (const std::string extra : {"mkdir", "inet"}) {
    const CommandWords more{kRecordedTestee, "known-calls", extra};
    EXPECT_EQ(WTERMSIG(run_under("p.json", seccomp::Policy::kill, more)), SIGSYS) << extra;
    EXPECT_EQ(WEXITSTATUS(run_under("p.json", seccomp::Policy::errno_, more)), EPERM) << extra;
  }
}

TEST_P(Record, OrdinaryProgramsRunUnderTheirProfiles) {
  expect_enough({"/bin/ls", "-l", "/"});
  expect_enough({"/bin/sh", "-c", "ls /; (exit 3) || test $? = 3"});
}

TEST_P(Record, APythonProgramRunsUnderItsProfile) {
  HERD_NEEDS(::access("/usr/bin/python3", X_OK) == 0, "python3");
  expect_enough({"/usr/bin/python3", "-c",
                 "import json, os, socket, subprocess\n"
                 "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
                 "subprocess.run(['/bin/true'], check=True)"});
}

TEST_P(Record, WhatSetsTheCommandUpIsNotInIt) {
  record("p.json", {kRecordedTestee, "known-calls"}, {});
  EXPECT_TRUE(allows("p.json", "socket"));
  for (const std::string call : {"execve", "seccomp", "sendmsg"})
    EXPECT_FALSE(allows("p.json", call)) << call;
  record("p.json", {"/bin/sh", "-c", "/bin/true; /bin/true"}, {});
  EXPECT_TRUE(allows("p.json", "execve"));
}

TEST_P(Record, ArgumentsAreLeftOpenOnRequest) {
  record("p.json", {kRecordedTestee, "known-calls"}, {"--no-arguments", "--with-exec"});
  EXPECT_EQ(WEXITSTATUS(run_under("p.json", seccomp::Policy::kill, {kRecordedTestee, "known-calls", "inet"})),
            0);
}

TEST_P(Record, NothingIsLostAtAHighRate) {
  const auto calls_of = [this](const std::string& count) {
    return record("p.json",
                  {"/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none", "count=" + count})
        .value("calls", 0);
  };
  EXPECT_EQ(calls_of("21000") - calls_of("1000"), 40000);
}

TEST_P(Record, TwoRunsMakeOneProfile) {
  record("mkdir.json", {kRecordedTestee, "known-calls", "mkdir"});
  const Json report = record("both.json", {kRecordedTestee, "known-calls", "inet"},
                             {"--with-exec", "--merge", file("mkdir.json"), "--name", "calls"});
  EXPECT_EQ(report.value("runs", 0), 2);
  EXPECT_EQ(
      WEXITSTATUS(run_under("both.json", seccomp::Policy::kill, {kRecordedTestee, "known-calls", "mkdir"})),
      ENOENT);
  EXPECT_EQ(
      WEXITSTATUS(run_under("both.json", seccomp::Policy::kill, {kRecordedTestee, "known-calls", "inet"})),
      0);
  const std::string comment = Json::parse(text_of(file("both.json"))).at("syscalls").at(0).at("comment");
  EXPECT_EQ(comment.find("calls, recorded by herdctl seccomp record: 2 runs, "), 0U) << comment;
  EXPECT_NE(comment.find("known-calls inet; "), std::string::npos) << comment;
}

TEST_P(Record, TheFileIsReadableByAll) {
  record("p.json", {kRecordedTestee, "known-calls"}, {}, [] { ::umask(077); });
  struct stat info {};
  ASSERT_EQ(::stat(file("p.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0644U);
  EXPECT_FALSE(std::filesystem::exists(file("p.json.new")));
}

TEST_P(Record, WithoutAFileTheProfileIsAloneOnStdout) {
  const Ran ran = herdctl_.run(verb() + CommandWords{"--", "/bin/sh", "-c", "echo said; exit 3"});
  EXPECT_EQ(ran.code, kWritten) << ran.err;
  EXPECT_TRUE(Json::accept(ran.out)) << ran.out;
  EXPECT_EQ(ran.err.find("said\nherdctl: the command exited with 3\n"), 0U) << ran.err;
}

TEST_P(Record, AnOrdinaryUserCanRecord) {
  // The build's may be out of an ordinary user's reach, as in /root.
  std::filesystem::copy_file(HERD_TEST_HERDCTL, file("herdctl"));
  const Herdctl copy("/nonexistent/herd.sock", file("herdctl"));
  const Ran ran = copy.run(verb() + CommandWords{"--", "/bin/cat", "/proc/self/status"},
                           [] { become_user(kRecordingUser, kRecordingUser); });
  EXPECT_EQ(ran.code, kWritten) << ran.err;
  EXPECT_TRUE(Json::accept(ran.out)) << ran.out;
  EXPECT_NE(ran.err.find("\nNoNewPrivs:\t1\n"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("\nUid:\t65534\t"), std::string::npos) << ran.err;
}

TEST_P(Record, ACommandThatCantBeStartedIsSaidToBe) {
  const Ran ran =
      herdctl_.run(verb() + CommandWords{"--output", file("p.json"), "--", "/nonexistent/program"});
  EXPECT_EQ(ran.code, kNotStarted);
  EXPECT_EQ(ran.err, "herdctl: start '/nonexistent/program': No such file or directory\n");
  EXPECT_FALSE(std::filesystem::exists(file("p.json")));
}

TEST_P(Record, WhatCantBeReadOrWrittenIsToldBeforeAnythingRuns) {
  const CommandWords touch{"/usr/bin/touch", file("has-run")};
  place_.write("bad.json", "{}");
  for (const CommandWords& options :
       {CommandWords{"--merge", file("none.json")}, CommandWords{"--merge", file("bad.json")}})
    EXPECT_EQ(herdctl_.run(recording("p.json", options, touch)).code, kNotWritten);
  EXPECT_EQ(herdctl_.run(recording("no/p.json", {}, touch)).code, kNotWritten);
  EXPECT_EQ(herdctl_.run(recording("p.json", {"--timeout", "soon"}, touch)).code, kWrongUsage);
  EXPECT_EQ(herdctl_.run(verb()).code, kWrongUsage);
  EXPECT_FALSE(std::filesystem::exists(file("has-run")));
}

TEST_P(Record, TheCommandsOwnFilterStaysInForce) {
  const Json report = record("p.json", {kRecordedTestee, "own-filter"});
  EXPECT_EQ(report.value("exit_code", -1), 0) << report;
  EXPECT_TRUE(allows("p.json", "seccomp"));
  EXPECT_FALSE(allows("p.json", "getppid"));  // its own filter had answered
  EXPECT_EQ(run_under("p.json", seccomp::Policy::errno_, {kRecordedTestee, "own-filter"}), 0);
}

TEST_P(Record, ARecorderCantBeRecordedInTheSameWay) {
  // The leak sanitizer's runtime traces its own process at the end, and waits for ever where somebody else
  // does.
  const CommandWords inner{"/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0", HERD_TEST_HERDCTL};
  const Ran ran = herdctl_.run(verb() + CommandWords{"--output", file("p.json"), "--"} + inner + verb() +
                               CommandWords{"--", "/bin/true"});
  EXPECT_EQ(ran.code, kWritten) << ran.err;
  EXPECT_NE(ran.err.find("itself recorded"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("the command exited with 1\n"), std::string::npos) << ran.err;
}

class TracedRecord : public Record {};
INSTANTIATE_TEST_SUITE_P(By, TracedRecord, testing::Values("ptrace"),
                         [](const auto& one) { return one.param; });

// dash handles SIGCHLD without SA_RESTART: with notifications its clone may fail with EINTR.
TEST_P(TracedRecord, SignalsDisturbNoCall) {
  const Json report = record(
      "p.json", {"/bin/sh", "-c", "i=0; while [ $i -lt 100 ]; do (exec /bin/true) & i=$((i+1)); done; wait"});
  EXPECT_EQ(report.value("exit_code", -1), 0) << report;
}

TEST_P(Record, AStoppedCommandGoesOnWhenItIsTold) {
  const Json report = record("p.json", {"/bin/sh", "-c", "(kill -STOP $$; kill -CONT $$) & wait; exit 6"});
  EXPECT_EQ(report.value("exit_code", -1), 6) << report;
}

TEST_P(Record, CallsThatNoFilterLetsThroughAreToldApart) {
  const Json report = record("p.json", {kRecordedTestee, "make-calls", "unknown", "clone3"}, {});
  const std::string notes = report.value("notes", Json::array()).dump();
  EXPECT_NE(notes.find("clone3 was answered with ENOSYS"), std::string::npos) << notes;
  EXPECT_NE(notes.find("number 9999"), std::string::npos) << notes;
#ifdef __x86_64__
  const std::string x32 =
      record("p.json", {kRecordedTestee, "make-calls", "x32"}, {}).value("notes", Json::array()).dump();
  EXPECT_NE(x32.find("1 calls of a foreign architecture or x32"), std::string::npos) << x32;
#endif
}

TEST_P(Record, WhatTheCommandLeavesBehindIsRecordedToItsEnd) {
  const RecordPipe input, output;
  Process process = herdctl_.start(
      recording(
          "p.json", {},
          {"/bin/sh", "-c", "exec 3<&0; (echo ready; read x <&3; mkdir /herd-no-such-directory/a) & exit 3"}),
      [&] {
        ::dup2(input.reader.get(), STDIN_FILENO);
        ::dup2(output.writer.get(), STDOUT_FILENO);
      });
  EXPECT_EQ(output.read(6), "ready\n");
  EXPECT_EQ(::write(input.writer.get(), "\n", 1), 1);
  const Ran ran = herdctl_.end_of(process);
  EXPECT_EQ(ran.code, kWritten) << ran.err;
  EXPECT_EQ(report_in(ran).value("exit_code", -1), 3) << ran.err;
  EXPECT_TRUE(allows("p.json", "mkdir"));
}

TEST_P(Record, AParentThatIgnoresItsChildrenChangesNothing) {
  const Json report = record("p.json", {"/bin/sh", "-c", "/bin/true & wait; exit 4"}, {}, [] {
    ::signal(SIGCHLD, SIG_IGN);  // the kernel would reap, and keep the exit code
  });
  EXPECT_EQ(report.value("exit_code", -1), 4) << report;
}

/// A recording that the test ends. Once the command said "ready", all of it is there.
class EndedRecord : public Record {
 protected:
  void start(const std::string& script) {
    process_ = herdctl_.start(recording("p.json", {}, {"/bin/sh", "-c", script}), [this] {
      ::setsid();
      ::dup2(input_.reader.get(), STDIN_FILENO);
      ::dup2(output_.writer.get(), STDOUT_FILENO);
    });
    output_.writer.reset();
    EXPECT_EQ(output_.read(6), "ready\n");
  }
  Json end() {
    const Ran ran = herdctl_.end_of(process_);
    EXPECT_EQ(ran.code, kWritten) << ran.err;
    EXPECT_EQ(output_.read(1), "") << "somebody still has the command's output";
    EXPECT_TRUE(allows("p.json", "read"));
    return report_in(ran);
  }
  RecordPipe input_, output_;
  Process process_;
};

INSTANTIATE_TEST_SUITE_P(By, EndedRecord, testing::Values("notify", "ptrace"),
                         [](const auto& one) { return one.param; });

TEST_P(EndedRecord, CtrlCEndsTheCommandAndKeepsWhatWasSeen) {
  start("echo ready; read x");
  process_.signal(SIGINT);
  EXPECT_EQ(end().value("signal", 0), SIGINT);
}

TEST_P(EndedRecord, WhatTheCommandDoesAtItsEndIsRecordedToo) {
  start("trap 'mkdir /herd-no-such-directory/a; exit 5' TERM; echo ready; read x");
  process_.signal(SIGTERM);
  EXPECT_EQ(end().value("exit_code", -1), 5);
  EXPECT_TRUE(allows("p.json", "mkdir"));
}

TEST_P(EndedRecord, ASecondSignalEndsWhatIgnoresTheFirst) {
  start(
      "trap '' INT TERM; setsid sh -c 'sh -c \"echo ready; while :; do :; done\" & while :; do :; done' & "
      "while :; do read x; done");
  process_.signal(SIGINT);
  process_.signal(SIGTERM);
  EXPECT_EQ(end().value("signal", 0), SIGKILL);
}

TEST_P(Record, TheCommandHasItsTimeAndNoMore) {
  const Json report = record("p.json", {"/bin/sh", "-c", "while :; do :; done"}, {"--timeout", "50ms"});
  EXPECT_EQ(report.value("timed_out", false), true) << report;
  EXPECT_EQ(report.value("signal", 0), SIGTERM) << report;
}

TEST_P(EndedRecord, TheCommandEndsWithItsRecorder) {
  start("echo ready; read x");
  process_.signal(SIGKILL);
  EXPECT_TRUE(process_.wait(kPatience));
  EXPECT_EQ(output_.read(1), "") << "somebody still has the command's output";
  EXPECT_FALSE(std::filesystem::exists(file("p.json")));
}

}  // namespace
}  // namespace herd::test

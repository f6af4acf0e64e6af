// What is written is what the reader of profiles and the compiler of filters understand.
#include "cli/record/profile_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

#include "cli/record/earlier.hpp"
#include "common/seccomp/build.hpp"
#include "common/seccomp/evaluator.hpp"
#include "config/profile_file.hpp"
#include "tests/unit/cli/record/calls.hpp"

namespace herd::record {
namespace {

using testing::HasSubstr;

const std::vector<seccomp_data>& usual_calls() {
  static const std::vector<seccomp_data> kCalls{
      call(SYS_read),
      call(SYS_write),
      call(SYS_ioctl, {1, TCGETS}),
      call(SYS_ioctl, {1, TIOCGWINSZ}),
      call(SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}),
      call(SYS_clone, {SIGCHLD}),
      call(SYS_clone, {CLONE_NEWUTS | SIGCHLD}),
      call(SYS_mmap, {0, 1, PROT_READ, MAP_PRIVATE}),
      call(SYS_mmap, {0, 1, PROT_READ, MAP_SHARED}),
      call(SYS_prctl, {PR_SET_NAME}),
      call(SYS_exit_group),
  };
  return kCalls;
}

class AProfile : public testing::Test {
 protected:
  AProfile() {
    for (const seccomp_data& data : usual_calls()) recording_.add(data);
  }
  static seccomp::Profile read(const std::string& text) {
    config::Issues issues("recorded.json");
    const auto profile = config::read_profile(text, "recorded", {}, issues);
    EXPECT_TRUE(profile) << config::to_text(std::move(issues).take()) << text;
    return profile.value_or(seccomp::Profile{});
  }
  [[nodiscard]] std::string text(Exec exec = Exec::if_seen) const {
    return to_profile(recording_, {"", 1, recording_.total(), "here"}, exec);
  }
  static std::uint32_t answer(const std::string& text, const seccomp_data& data) {
    const auto program = seccomp::build(read(text), seccomp::Policy::errno_);
    EXPECT_TRUE(program) << (program ? "" : program.error().message);
    return program ? seccomp::evaluate(program->instructions, data).value_or(0) : 0;
  }
  static void expect_denied(const std::string& text, const seccomp_data& data) {
    EXPECT_EQ(answer(text, data), SECCOMP_RET_ERRNO | EPERM) << data.nr << " " << data.args[0];
  }

  Recording recording_{Recording::Arguments::looked_at};
};

TEST_F(AProfile, AllowsWhatWasSeen) {
  for (const seccomp_data& data : usual_calls())
    EXPECT_EQ(answer(text(), data), SECCOMP_RET_ALLOW) << data.nr;
}

TEST_F(AProfile, AllowsTheSameCallWithJunkAboveItsInts) {
  constexpr std::uint64_t kJunk = 0xdead'0000'0000;
  EXPECT_EQ(answer(text(), call(SYS_ioctl, {1, kJunk | TCGETS})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(text(), call(SYS_mmap, {0, 1, kJunk | PROT_READ, kJunk | MAP_PRIVATE})),
            SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(text(), call(SYS_socket, {kJunk | AF_UNIX, kJunk | SOCK_STREAM, kJunk})),
            SECCOMP_RET_ALLOW);
}

TEST_F(AProfile, DeniesTheRest) {
  expect_denied(text(), call(SYS_mount));
  expect_denied(text(), call(SYS_execve));
  expect_denied(text(), call(SYS_ioctl, {1, TIOCSTI}));
  expect_denied(text(), call(SYS_socket, {AF_UNIX, SOCK_DGRAM}));
  expect_denied(text(), call(SYS_socket, {AF_INET, SOCK_STREAM}));
  expect_denied(text(), call(SYS_clone, {CLONE_NEWUSER | SIGCHLD}));
  expect_denied(text(), call(SYS_clone, {CLONE_NEWUTS | CLONE_NEWUSER}));
  expect_denied(text(), call(SYS_mmap, {0, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE}));
  expect_denied(text(), call(SYS_mmap, {0, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED}));
  expect_denied(text(), call(SYS_prctl, {PR_SET_SECCOMP}));
}

TEST_F(AProfile, AllowsWhatEveryEndNeeds) {
  const std::string empty = to_profile(Recording(Recording::Arguments::looked_at), {});
  for (const long number : {SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall})
    EXPECT_EQ(answer(empty, call(number)), SECCOMP_RET_ALLOW) << number;
  expect_denied(empty, call(SYS_read));
}

TEST_F(AProfile, SendsWhatNoFilterCanReadBack) {
  for (const long number : {SYS_clone3, SYS_io_uring_setup})
    EXPECT_EQ(answer(text(), call(number)), SECCOMP_RET_ERRNO | ENOSYS);
}

TEST_F(AProfile, AllowsTheStartOfTheCommandWhereThatIsAskedFor) {
  expect_denied(text(), call(SYS_execve));
  EXPECT_EQ(answer(text(Exec::always), call(SYS_execve)), SECCOMP_RET_ALLOW);
  EXPECT_THAT(text(Exec::always), HasSubstr("starts the command"));
  recording_.add(call(SYS_execve));
  EXPECT_EQ(answer(text(), call(SYS_execve)), SECCOMP_RET_ALLOW);
  EXPECT_THAT(text(Exec::always), Not(HasSubstr("starts the command")));
}

TEST_F(AProfile, IsTheSameForTheSameCallsInAnyOrder) {
  Recording reversed(Recording::Arguments::looked_at);
  for (auto data = usual_calls().rbegin(); data != usual_calls().rend(); ++data) reversed.add(*data);
  EXPECT_EQ(to_profile(reversed, {"", 1, reversed.total(), "here"}), text());
}

TEST_F(AProfile, SaysWhatIsLeftOpenAndWhatIsNotInIt) {
  for (std::uint64_t request = 0; request <= kMaxAlternatives; ++request)
    recording_.add(call(SYS_ioctl, {0, request}));
  recording_.add(call(SYS_clone3));
  recording_.add(call(9999));
  EXPECT_THAT(text(), HasSubstr("left open: ioctl\""));
  EXPECT_THAT(text(), HasSubstr("asked for: clone3"));
  EXPECT_THAT(text(), HasSubstr("without a name: 9999"));
  EXPECT_EQ(answer(text(), call(SYS_ioctl, {1, TIOCSTI})), SECCOMP_RET_ALLOW);
}

TEST_F(AProfile, StartsWithWhereItCameFromWhateverTheCommandIsCalled) {
  const Provenance odd = provenance_of({"now", "1", "6", "x", 3, {"a\"b", "\xff\n"}});
  const auto document = nlohmann::json::parse(to_profile(recording_, odd));
  EXPECT_THAT(document.at("syscalls").at(0).at("comment").get<std::string>(), HasSubstr("3 calls: a\"b"));
}

class Merging : public AProfile {
 protected:
  static std::string error_of(const std::string& profile) {
    Recording recording(Recording::Arguments::looked_at);
    Provenance provenance;
    const auto added = add_profile(profile, "old.json", recording, provenance);
    return added ? "" : added.error().message;
  }
};

TEST_F(Merging, GivesBackWhatWasWritten) {
  Recording again(Recording::Arguments::looked_at);
  Provenance provenance;
  ASSERT_TRUE(add_profile(text(), "old.json", again, provenance));
  EXPECT_EQ(to_profile(again, provenance), text());
}

TEST_F(Merging, AllowsWhatEitherRunDid) {
  Recording second(Recording::Arguments::looked_at);
  second.add(call(SYS_getpid));
  second.add(call(SYS_mmap, {0, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED}));
  Provenance provenance{"", 1, second.total(), "there"};
  ASSERT_TRUE(add_profile(text(), "old.json", second, provenance));
  const std::string merged = to_profile(second, provenance);
  for (const seccomp_data& data : usual_calls()) EXPECT_EQ(answer(merged, data), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(merged, call(SYS_getpid)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(merged, call(SYS_mmap, {0, 1, PROT_READ, MAP_SHARED | MAP_FIXED})), SECCOMP_RET_ALLOW);
  expect_denied(merged, call(SYS_mount));
  EXPECT_THAT(merged, HasSubstr("2 runs, 13 calls; there; here\""));
}

TEST_F(Merging, TakesAProfileThatSomebodyWrote) {
  Recording recording(Recording::Arguments::looked_at);
  Provenance provenance{"", 1, 5, "here"};
  ASSERT_TRUE(add_profile(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
      {"names": ["getpid"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["mmap"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 3, "value": 2, "op": "SCMP_CMP_EQ"}]},
      {"names": ["kill"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]}]})",
                          "theirs.json", recording, provenance));
  const std::string merged = to_profile(recording, provenance);
  EXPECT_EQ(answer(merged, call(SYS_getpid)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(merged, call(SYS_mmap, {0, 1, PROT_EXEC, MAP_PRIVATE})), SECCOMP_RET_ALLOW);
  expect_denied(merged, call(SYS_mmap, {0, 1, PROT_EXEC, MAP_SHARED}));
  EXPECT_EQ(answer(merged, call(SYS_kill, {1, 0})), SECCOMP_RET_ALLOW);
  expect_denied(merged, call(SYS_kill, {1, SIGKILL}));
  EXPECT_THAT(merged, HasSubstr("1 run, 5 calls; here; merged with theirs.json"));
}

TEST_F(Merging, RefusesWhatIsNoListOfAllowedCalls) {
  EXPECT_THAT(error_of("{"), HasSubstr("old.json"));
  EXPECT_THAT(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []})"),
              HasSubstr("allows what it does not name"));
  EXPECT_THAT(error_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
      {"names": ["mount"], "action": "SCMP_ACT_ERRNO"}]})"),
              HasSubstr("a rule denies mount"));
  EXPECT_THAT(error_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["kill"],
      "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 9, "op": "SCMP_CMP_NE"}]}]})"),
              HasSubstr("rule for kill compares"));
}

}  // namespace
}  // namespace herd::record

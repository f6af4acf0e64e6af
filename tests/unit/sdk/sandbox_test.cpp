#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <herd/worker.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <thread>

#include "tests/unit/sdk/support.hpp"

namespace herd::sdk_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// "RESULT STATE|sentence", with what the kernel says where the call must not have entered.
std::string enter_and_say() {
  const int result = herd_enter_sandbox();
  std::string text = std::to_string(result) + " " + herd_sandbox_state_text();
  if (result < 0) text += std::string("|") + herd_last_error();
  return text;
}

std::string enter_with(const std::string& policy, int fd) {
  set_contract(policy, fd);
  return enter_and_say();
}

std::string failed(int errno_value) {
  return std::to_string(-errno_value) + " failed|enter sandbox: ";
}

class Sandbox : public ::testing::Test {
 protected:
  void SetUp() override { clear_environment(); }
};

TEST_F(Sandbox, DoesNothingWhereHerdIsNotAround) {
  EXPECT_EQ(in_child([] {
              const std::string result = enter_and_say();
              return result + " " + status_field("Seccomp") + status_field("NoNewPrivs");
            }),
            "1 not_under_herd 00");
}

TEST_F(Sandbox, DoesNothingWithPolicyOff) {
  EXPECT_EQ(in_child([] {
              ::setenv("HERD_WORKER_ID", "web-1", 1);
              ::setenv("HERD_SECCOMP_PROFILE", "off", 1);
              const std::string result = enter_and_say();
              return result + " " + status_field("Seccomp");
            }),
            "1 off 0");
}

TEST_F(Sandbox, OffBesideAFilterIsAContradiction) {
  EXPECT_THAT(in_child([] { return enter_with("off", memfd_with(deny_getppid())); }),
              StartsWith(failed(EINVAL) + "HERD_SECCOMP_PROFILE is 'off', yet"));
}

TEST_F(Sandbox, AMissingPolicyUnderHerdIsAnError) {
  for (const char* mark : {"HERD_WORKER_ID", "HERD_POOL", "HERD_SECCOMP_FD"}) {
    EXPECT_EQ(in_child([mark] {
                ::setenv(mark, "7", 1);
                return enter_and_say();
              }),
              failed(EINVAL) + mark + " is set, yet HERD_SECCOMP_PROFILE is missing");
  }
}

TEST_F(Sandbox, AnUnknownPolicyIsAnError) {
  for (const char* word : {"", "Off", "off ", "none", "errno,log", "0"}) {
    EXPECT_THAT(in_child([word] { return enter_with(word, memfd_with(allow_all())); }),
                StartsWith(failed(EINVAL) + "HERD_SECCOMP_PROFILE is '" + word + "'"));
  }
}

TEST_F(Sandbox, AMissingFilterIsAnErrorForEveryPolicyButOff) {
  for (const char* policy : {"log", "errno", "kill"}) {
    EXPECT_EQ(in_child([policy] {
                ::setenv("HERD_SECCOMP_PROFILE", policy, 1);
                return enter_and_say();
              }),
              failed(EINVAL) + "HERD_SECCOMP_FD is missing");
  }
}

TEST_F(Sandbox, TheFiltersFdIsDigitsAlone) {
  for (const char* text : {"", "-1", "+5", " 5", "5 ", "5x", "0x5", "2147483648", "99999999999999999999"}) {
    EXPECT_EQ(in_child([text] {
                ::setenv("HERD_SECCOMP_PROFILE", "errno", 1);
                ::setenv("HERD_SECCOMP_FD", text, 1);
                return enter_and_say();
              }),
              failed(EINVAL) + "HERD_SECCOMP_FD is '" + text + "', not a number");
  }
}

TEST_F(Sandbox, AClosedFdIsAnError) {
  EXPECT_EQ(in_child([] { return enter_with("errno", 1000); }),
            failed(EBADF) + "HERD_SECCOMP_FD 1000 is not open");
}

TEST_F(Sandbox, AnFdThatIsNoMemfdIsAnError) {
  EXPECT_THAT(in_child([] { return enter_with("errno", ::open("/proc/self/exe", O_RDONLY)); }),
              ::testing::MatchesRegex("-22 failed\\|.*is not a memfd"));
}

TEST_F(Sandbox, AMemfdThatCanStillChangeIsAnError) {
  for (const Sealed sealed : {Sealed::no, Sealed::all_but_grow}) {
    EXPECT_THAT(in_child([sealed] {
                  const auto filter = deny_getppid();
                  return enter_with("errno", memfd_with(filter.data(), filter.size() * 8, sealed));
                }),
                ::testing::MatchesRegex("-1 failed\\|.*is not sealed"));
  }
}

TEST_F(Sandbox, AFilterIsWholeInstructions) {
  for (const std::size_t size : {0, 1, 7, 9, 31}) {
    EXPECT_THAT(
        in_child([size] { return enter_with("errno", memfd_with(std::string(size, 0).data(), size)); }),
        StartsWith(failed(EINVAL) + "the filter has " + std::to_string(size) + " bytes"));
  }
}

TEST_F(Sandbox, TheLongestFilterIsTakenAndOneMoreIsNot) {
  const auto sized = [](std::size_t count) {
    return std::vector<sock_filter>(count, sock_filter{BPF_RET | BPF_K, 0, 0, 0x7fff0000U /* allow */});
  };
  EXPECT_EQ(in_child([&] { return enter_with("errno", memfd_with(sized(4096))); }), "0 entered");
  EXPECT_EQ(in_child([&] { return enter_with("errno", memfd_with(sized(4097))); }),
            failed(E2BIG) + "the filter has 4097 instructions, the kernel takes 4096");
}

TEST_F(Sandbox, AFilterThatTheKernelRefusesIsAnError) {
  EXPECT_THAT(
      in_child([] {
        const std::vector<sock_filter> endless = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};  // no return
        return enter_with("errno", memfd_with(endless));
      }),
      StartsWith(failed(EINVAL) + "install the filter: "));
}

TEST_F(Sandbox, TheFilterWorksForEachPolicy) {
  for (const char* policy : {"log", "errno", "kill"}) {
    EXPECT_EQ(in_child([policy] {
                const std::string before = try_getppid();
                const std::string result = enter_with(policy, memfd_with(deny_getppid()));
                return before + ", " + result + ", " + try_getppid() + " " + status_field("Seccomp") +
                       status_field("NoNewPrivs");
              }),
              "allowed, 0 entered, EPERM 21");
  }
}

/// What came over `socket`: its text, and a fd that came with it.
std::pair<std::string, int> received(int socket) {
  std::array<char, 256> text{};
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT);
  int fd = -1;
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&message)) std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
  return {std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))), fd};
}

/// An abstract socket of this process, as NOTIFY_SOCKET.
int notify_receiver() {
  const std::string name = "@herd-sdk-test-" + std::to_string(::getpid());
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 ? fd : -1;
}

bool answer_one(int listener, int error) {
  seccomp_notif asked{};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return false;
  seccomp_notif_resp answer{asked.id, 0, -error, 0};
  return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0;
}

TEST_F(Sandbox, AListenerIsHandedOverInOneMessageForAllThreadsAndNotKept) {
  EXPECT_EQ(in_child([] {
              const int receiver = notify_receiver();
              ::setenv("HERD_SECCOMP_DENIALS", "notify", 1);
              std::latch entered(1);
              std::string seen;
              std::thread caller([&] {
                entered.wait();
                seen = try_getppid();
              });
              const std::string result = enter_with("errno", memfd_with(ask_about_getppid()));
              const auto [text, listener] = received(receiver);
              const bool is_kept = listener > receiver + 1;  // the lowest that was free
              entered.count_down();
              const bool answered = answer_one(listener, EPERM);
              caller.join();
              return result + " " + text + " " + seen + (answered ? "" : " unanswered") +
                     (is_kept ? " kept" : "");
            }),
            "0 entered FDSTORE=1\nFDNAME=seccomp EPERM");
}

TEST_F(Sandbox, AListenerThatCantBeHandedOverIsAnErrorBeforeTheFilter) {
  EXPECT_EQ(in_child([] {
              ::setenv("HERD_SECCOMP_DENIALS", "notify", 1);
              const std::string result = enter_with("errno", memfd_with(ask_about_getppid()));
              return result + ", " + try_getppid();
            }),
            "-22 failed|notify: NOTIFY_SOCKET is missing, allowed");
}

TEST_F(Sandbox, AnUnknownWayOfSeeingDenialsIsAnError) {
  EXPECT_EQ(in_child([] {
              ::setenv("HERD_SECCOMP_DENIALS", "later", 1);
              return enter_with("errno", memfd_with(deny_getppid()));
            }),
            failed(EINVAL) + "HERD_SECCOMP_DENIALS is 'later', not notify");
}

TEST_F(Sandbox, TheFilterIsReadFromItsStartAndItsFdClosed) {
  EXPECT_EQ(in_child([] {
              const int fd = memfd_with(deny_getppid());
              ::lseek(fd, 16, SEEK_SET);
              const std::string result = enter_with("errno", fd);
              return result + " " + (::fcntl(fd, F_GETFD) < 0 && errno == EBADF ? "closed" : "open");
            }),
            "0 entered closed");
}

TEST_F(Sandbox, AFailedCallLeavesTheFdAndTheProcessAsTheyWere) {
  EXPECT_EQ(in_child([] {
              const auto filter = deny_getppid();
              const int fd = memfd_with(filter.data(), filter.size() * 8, Sealed::no);
              enter_with("errno", fd);
              return (::fcntl(fd, F_GETFD) < 0 ? "closed " : "open ") + try_getppid() +
                     status_field("NoNewPrivs");
            }),
            "open allowed0");
}

TEST_F(Sandbox, ASecondCallSaysSoAndAddsNothing) {
  EXPECT_EQ(in_child([] {
              const std::string first = enter_with("errno", memfd_with(deny_getppid()));
              const std::string second = enter_and_say();
              return first + ", " + second + ", " + status_field("Seccomp_filters");
            }),
            "0 entered, 1 already_entered, 1");
}

TEST_F(Sandbox, AFailureIsNotForgottenByASecondCall) {
  EXPECT_THAT(in_child([] {
                enter_with("errno", 1000);
                return enter_and_say();
              }),
              HasSubstr("is not open"));
}

TEST_F(Sandbox, EveryThreadGetsTheFilterAndNoNewPrivs) {
  EXPECT_EQ(in_child([] {
              std::latch started(4), entered(1);
              std::vector<std::string> seen(3);
              std::vector<std::thread> threads;
              for (auto& mine : seen) {
                threads.emplace_back([&] {
                  started.arrive_and_wait();
                  entered.wait();
                  mine = try_getppid() + status_field("NoNewPrivs") + status_field("Seccomp");
                });
              }
              started.arrive_and_wait();
              const std::string result = enter_with("errno", memfd_with(deny_getppid()));
              entered.count_down();
              for (auto& thread : threads) thread.join();
              return result + " " + seen[0] + " " + seen[1] + " " + seen[2];
            }),
            "0 entered EPERM12 EPERM12 EPERM12");
}

TEST_F(Sandbox, AThreadThatCannotFollowIsAFailure) {
  EXPECT_THAT(
      in_child([] {
        std::latch installed(1), done(1);
        std::thread other([&] {
          install_alone(allow_all());
          installed.count_down();
          done.wait();
        });
        installed.wait();
        const std::string result = enter_with("errno", memfd_with(deny_getppid()));
        done.count_down();
        other.join();
        return result + "; " + try_getppid();
      }),
      ::testing::MatchesRegex("-3 failed\\|enter sandbox: thread [0-9]+ has a filter of its own.*; allowed"));
}

TEST_F(Sandbox, TheSentenceBelongsToTheThreadWhoseCallFailed) {
  EXPECT_THAT(in_child([] {
                enter_with("errno", 1000);
                std::string elsewhere;
                std::thread([&] { elsewhere = herd_last_error(); }).join();
                return "'" + elsewhere + "' '" + herd_last_error() + "'";
              }),
              StartsWith("'' 'enter sandbox: "));
}

TEST_F(Sandbox, NotTriedIsAStateToo) {
  EXPECT_EQ(in_child([] { return std::string(herd_sandbox_state_text()); }), "not_tried");
}

}  // namespace
}  // namespace herd::sdk_test

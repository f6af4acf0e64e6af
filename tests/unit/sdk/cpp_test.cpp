// The header over the C interface: its enum, its exceptions.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <herd/worker.hpp>

#include "tests/unit/sdk/support.hpp"

namespace herd::sdk_test {
namespace {

class Cpp : public ::testing::Test {
 protected:
  void SetUp() override { clear_environment(); }
};

std::string enter() {
  return std::string(name(enter_sandbox()));
}

TEST_F(Cpp, SaysWhatHappened) {
  EXPECT_EQ(in_child([] { return enter(); }), "not_under_herd");
  EXPECT_EQ(in_child([] {
              ::setenv("HERD_SECCOMP_PROFILE", "off", 1);
              return enter();
            }),
            "off");
  EXPECT_EQ(in_child([] {
              set_contract("errno", memfd_with(deny_getppid()));
              const std::string first = enter();
              return first + " " + try_getppid() + " " + enter();
            }),
            "entered EPERM already_entered");
}

TEST_F(Cpp, ThrowsWithTheSentenceAndTheErrno) {
  EXPECT_EQ(in_child([]() -> std::string {
              set_contract("errno", 1000);
              try {
                enter_sandbox();
              } catch (const SandboxError& error) {
                return std::to_string(error.code()) + " " + error.what();
              }
              return "not thrown";
            }),
            std::to_string(EBADF) + " enter sandbox: HERD_SECCOMP_FD 1000 is not open");
}

TEST_F(Cpp, NotificationsAndTheListenerAreOptional) {
  EXPECT_FALSE(notify_ready());
  EXPECT_FALSE(notify_status("warming up"));
  EXPECT_FALSE(notify_stopping());
  EXPECT_EQ(listen_fd(), std::nullopt);
}

TEST_F(Cpp, ANotificationThatCannotBeSentThrows) {
  EXPECT_EQ(in_child([] {
              ::setenv("NOTIFY_SOCKET", "relative", 1);
              notify_ready();
              return std::string("not thrown");
            }),
            "exception: notify: NOTIFY_SOCKET is 'relative', neither a path nor @abstract");
}

}  // namespace
}  // namespace herd::sdk_test

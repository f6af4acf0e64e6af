#include "daemon/denials/self_test.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <system_error>

#include "common/kernel/files.hpp"
#include "common/seccomp/deny_one.hpp"

namespace herd::denials {
namespace {

constexpr const char* kActionsLogged = "/proc/sys/kernel/seccomp/actions_logged";

Status make_denied_call() {
  HERD_CHECK(seccomp::deny_one(SYS_getppid, {.log_denials = true, .all_threads = false}));
  if (syscall(SYS_getppid) >= 0) return fail("the filter did not deny");
  return {};
}

}  // namespace

SelfTest::SelfTest() {
  char name[16];
  std::snprintf(name, sizeof name, "herd-%08x", static_cast<unsigned>(std::random_device()()));
  name_ = name;
}

SelfTest::~SelfTest() {
  if (thread_.joinable()) thread_.join();
}

void SelfTest::start() {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    failure_ = std::string("a denied call can't be made: a thread: ") + error.what();
  }
}

void SelfTest::run() {
  pthread_setname_np(pthread_self(), name_.c_str());
  if (const Status made = make_denied_call(); !made)
    failure_ = "a denied call can't be made: " + made.error().message;
}

std::string SelfTest::failure() {
  if (thread_.joinable()) thread_.join();
  return failure_;
}

std::string why_no_record() {
  const auto logged = kernel::read_file(kActionsLogged);
  if (logged && (" " + *logged + " ").find("errno") == std::string::npos)
    return "no record of herdd's own denied call came: sysctl kernel.seccomp.actions_logged lacks errno "
           "(write \"kill_process kill_thread trap errno user_notif trace log\" to it)";
  return "no record of herdd's own denied call came: audit is switched off (audit=0), a rule excludes such "
         "records, or herdd is not in the host's first network namespace";
}

}  // namespace herd::denials

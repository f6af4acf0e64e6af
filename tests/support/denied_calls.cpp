#include "tests/support/denied_calls.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "common/seccomp/deny_one.hpp"
#include "daemon/denials/audit_socket.hpp"
#include "daemon/denials/record.hpp"

namespace herd::test {
namespace {

bool deny_getppid() {
  return seccomp::deny_one(SYS_getppid, {.log_denials = true, .all_threads = false}).has_value();
}

}  // namespace

void make_denied_calls(int count, uid_t uid) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(uid, uid, uid) != 0 || !deny_getppid()) ::_exit(1);
    for (int i = 0; i < count; ++i) ::syscall(SYS_getppid);
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error("no denied call could be made");
}

bool can_see_denials() {
  static const bool can = [] {
    constexpr uid_t kUid = 4243;
    auto socket = denials::AuditSocket::open();
    if (!socket) return false;
    make_denied_calls(1, kUid);
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (true) {
      pollfd entry{socket->fd(), POLLIN, 0};
      if (::poll(&entry, 1, milliseconds_left(deadline)) <= 0) return false;
      std::string_view text;
      if (socket->receive(text) != denials::AuditSocket::Got::record) continue;
      if (const auto record = denials::parse_record(text); record && record->uid == kUid) return true;
    }
  }();
  return can;
}

Json status_when_tested(TestDaemon& daemon) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    Json status = daemon.get("/v1/status");
    if (!status.at("denials").at("seen").is_null()) return status;
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(status.dump());
  }
}

}  // namespace herd::test

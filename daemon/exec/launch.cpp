#include "daemon/exec/launch.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/kernel/memfd.hpp"

namespace herd::exec {
namespace {

constexpr std::size_t kMaxPlan = 1 << 20;
constexpr int kReportTimeoutMs = 1000;

}  // namespace

Result<Launch> read_launch(kernel::Message message) {
  if (message.fds.empty()) return fail("no launch plan came over the owner's line");
  const auto text = kernel::read_memfd(message.fds.front().get(), kMaxPlan);
  if (!text) return fail_in("the launch plan", text.error());
  Launch launch;
  HERD_TRY(launch.plan, launch::parse_plan(*text));
  if (message.fds.size() != launch.plan.fds.size() + 1)
    return fail("the launch plan names other fds than came");
  for (std::size_t i = 0; i < launch.plan.fds.size(); ++i) {
    UniqueFd& fd = message.fds[i + 1];
    switch (launch.plan.fds[i]) {
      case launch::FdRole::stdin_file:
        launch.stdin_file = std::move(fd);
        break;
      case launch::FdRole::stdout_file:
        launch.stdout_file = std::move(fd);
        break;
      case launch::FdRole::stderr_file:
        launch.stderr_file = std::move(fd);
        break;
      case launch::FdRole::listener:
        launch.listener = std::move(fd);
        break;
      case launch::FdRole::seccomp_filter:
        launch.seccomp_filter = std::move(fd);
        break;
      case launch::FdRole::base_tree:
        launch.base_tree = std::move(fd);
        break;
      case launch::FdRole::network:
        launch.network = std::move(fd);
        break;
      case launch::FdRole::relay_listener:
        launch.relay_listener = std::move(fd);
        break;
    }
  }
  if (!launch.stdout_file || !launch.stderr_file) return fail("the launch plan has no place for the output");
  if (launch.plan.namespaces.mount && !launch.base_tree) return fail("the launch plan has no base tree");
  if (launch.plan.namespaces.network != static_cast<bool>(launch.network))
    return fail("the launch plan and its fds differ about the network namespace");
  if ((launch.plan.relay_port != 0) != static_cast<bool>(launch.relay_listener))
    return fail("the launch plan and its fds differ about the relay");
  if (launch.plan.argv.empty()) return fail("the launch plan has no command");
  return launch;
}

Result<launch::Root> read_root(const kernel::Message& message) {
  if (message.fds.size() != 1) return fail("no root came over the owner's line");
  HERD_TRY(const std::string text, kernel::read_memfd(message.fds.front().get(), kMaxPlan));
  return launch::parse_root(text);
}

void report(int line, const launch::FromExec& message, const std::vector<int>& fds) {
  const std::string text = launch::to_json(message);
  auto sent = kernel::send_message(line, text, fds);
  if (sent || sent.error().errno_value != EAGAIN) return;
  pollfd entry{line, POLLOUT, 0};
  if (poll(&entry, 1, kReportTimeoutMs) == 1) (void)kernel::send_message(line, text, fds);
}

}  // namespace herd::exec

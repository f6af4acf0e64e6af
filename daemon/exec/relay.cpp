#include "daemon/exec/relay.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/kernel/seqpacket.hpp"
#include "daemon/exec/credentials.hpp"
#include "daemon/exec/relay_loop.hpp"

namespace herd::exec {
namespace {

constexpr std::string_view kConfined = "confined";

Status close_between(int low, int high) {
  if (low + 1 > high - 1) return {};
  if (close_range(static_cast<unsigned>(low) + 1, static_cast<unsigned>(high) - 1, 0) != 0)
    return fail_errno("close_range");
  return {};
}

Status close_all_but(int one, int other) {
  const int low = std::min(one, other), high = std::max(one, other);
  HERD_CHECK(close_between(STDERR_FILENO, low));
  HERD_CHECK(close_between(low, high));
  if (close_range(static_cast<unsigned>(high) + 1, ~0U, 0) != 0) return fail_errno("close_range");
  return {};
}

/// It keeps herd-exec's uid, which no worker has; without a capability that is a uid like any other.
Status confine(int listener, int leash, bool sets_groups) {
  prctl(PR_SET_NAME, "herd-relay");
  HERD_CHECK(close_all_but(listener, leash));
  if (fcntl(listener, F_SETFL, O_NONBLOCK) != 0) return fail_errno("the relay's listener");
  kernel::refuse_fds(listener);
  if (sets_groups && setgroups(0, nullptr) != 0) return fail_errno("setgroups");
  HERD_CHECK(keep_only(0));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno("PR_SET_DUMPABLE");
  return {};
}

/// All signals are blocked, as they are in herd-exec: nothing but SIGKILL and the leash ends it.
int relay_main(const Launch& launch, int leash) {
  const int listener = launch.relay_listener.get();
  const Status confined = confine(listener, leash, launch.plan.sets_groups);
  const Status told =
      kernel::send_message(leash, confined ? std::string(kConfined) : confined.error().message);
  if (!confined || !told) return 1;
  return RelayLoop(listener, leash, launch.plan.relay_port).run() ? 0 : 1;
}

/// In the child no destructor runs: what they would close is the parent's.
Result<kernel::Cloned> fork_relay(const Launch& launch, int leash) {
  const pid_t pid = fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) _exit(relay_main(launch, leash));
  kernel::Cloned process{pid, UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)))};
  if (process.pidfd) return process;
  const int errno_value = errno;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return fail_errno("pidfd_open", errno_value);
}

Result<std::optional<Relay>> start(const Launch& launch) {
  HERD_TRY(auto leash, kernel::seqpacket_pair());
  HERD_TRY(kernel::Cloned process, fork_relay(launch, leash[1].get()));
  leash[1].reset();
  HERD_TRY(const kernel::Message said, kernel::receive_message(leash[0].get(), true));
  if (said.text != kConfined) return fail(said.text.empty() ? "it ended" : said.text);
  return Relay{std::move(process), std::move(leash[0])};
}

}  // namespace

Result<std::optional<Relay>> start_relay(const Launch& launch) {
  if (!launch.relay_listener) return std::optional<Relay>();
  auto relay = start(launch);
  if (!relay) return fail_in("relay", relay.error());
  return relay;
}

}  // namespace herd::exec

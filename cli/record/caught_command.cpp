#include "cli/record/caught_command.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cli/record/stops.hpp"
#include "common/kernel/seqpacket.hpp"
#include "common/seccomp/profile.hpp"

// Newer than the headers of Debian 12 (Linux 6.6).
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace herd::record {
namespace {

using Pass = std::array<std::uint64_t, 3>;
constexpr unsigned kFirstFree = 3;  // sendmsg(2) has arguments 0 to 2

std::vector<sock_filter> ask_for_all_but(const Pass& pass) {
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp::audit_arch(seccomp::native_arch()), 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  };
  const auto require = [&program](std::size_t offset, std::uint64_t half) {
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(half), 1, 0));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  };
  for (unsigned i = 0; i < pass.size(); ++i) {  // both architectures are little-endian
    const std::size_t at = offsetof(seccomp_data, args) + (kFirstFree + i) * sizeof(std::uint64_t);
    require(at, pass[i]);
    require(at + sizeof(std::uint32_t), pass[i] >> 32U);
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return program;
}

/// Once it is traced.
bool install_stops(int line) {
  char go = 0;
  if (::recv(line, &go, sizeof go, 0) != sizeof go) return false;
  sock_filter stop = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  sock_fprog filter{1, &stop};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

/// -1 with errno. A command that is hit by signals sees no EINTR from calls that were already asked about,
/// with WAIT_KILLABLE_RECV (Linux 5.19).
int install_listener(std::vector<sock_filter>& program) {
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  constexpr unsigned kListener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  const long fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            kListener | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
  if (fd >= 0 || errno != EINVAL) return static_cast<int>(fd);
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kListener, &filter));
}

struct Message {
  std::int32_t error = 0;  // of the stage; 0 with the listener
  std::int32_t is_exec = 0;
};

/// With the listener, if there is one. The last three words are what the filter looks for.
void send(int line, const Message& message, int listener, const Pass& pass) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (listener >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &listener, sizeof listener);
  }
  ::syscall(SYS_sendmsg, line, &header, MSG_NOSIGNAL, pass[0], pass[1], pass[2]);
}

struct ChildPlan {
  const CommandOptions& options;
  std::vector<char*> argv;
  std::vector<sock_filter> program;
  Pass pass;
  pid_t parent;
};

[[noreturn]] void run_child(ChildPlan& plan, int line) {
  const auto fail_with = [&](int error, bool is_exec) {
    send(line, {error, is_exec ? 1 : 0}, -1, plan.pass);
    ::_exit(127);
  };
  // Without somebody to answer, each of its calls would wait for ever: it ends with its recorder.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != plan.parent) ::_exit(127);
  if (plan.options.out >= 0 && ::dup2(plan.options.out, STDOUT_FILENO) < 0) fail_with(errno, false);
  ::sigprocmask(SIG_SETMASK, &plan.options.signal_mask, nullptr);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail_with(errno, false);
  if (plan.options.method == Method::trace) {
    if (!install_stops(line)) fail_with(errno, false);
  } else {
    const int listener = install_listener(plan.program);
    if (listener < 0) fail_with(errno, false);
    send(line, {}, listener, plan.pass);
  }
  ::execvp(plan.argv[0], plan.argv.data());
  fail_with(errno, true);
  ::_exit(127);
}

Result<UniqueFd> receive_listener(int line) {
  HERD_TRY(kernel::Message received, kernel::receive_message(line, true));
  if (received.text.size() != sizeof(Message)) return fail("the child ended before it was caught");
  Message message;
  std::memcpy(&message, received.text.data(), sizeof message);
  if (message.error == EBUSY)
    return fail("this process is itself recorded, or supervised in the same way: there can be one listener");
  if (message.error != 0) return fail_errno("install a listening filter", message.error);
  if (received.fds.size() != 1) return fail("no listener came");
  return std::move(received.fds[0]);
}

/// The caller sleeps until its call is answered: who waits for the other need not be sent to an idle CPU
/// first. Older kernels do without.
void wake_on_the_same_cpu(int listener) {
  ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

}  // namespace

Result<CaughtCommand> CaughtCommand::start(const CommandOptions& options) {
  Pass pass{};
  if (::getrandom(pass.data(), sizeof pass, 0) != static_cast<ssize_t>(sizeof pass))
    return fail_errno("getrandom");
  ChildPlan plan{options, {}, ask_for_all_but(pass), pass, ::getpid()};
  for (const std::string& word : options.argv) plan.argv.push_back(const_cast<char*>(word.c_str()));
  plan.argv.push_back(nullptr);
  HERD_TRY(auto ends, kernel::seqpacket_pair());

  CaughtCommand command;
  command.pid_ = ::fork();
  if (command.pid_ < 0) return fail_errno("fork");
  if (command.pid_ == 0) run_child(plan, ends[1].get());
  ends[1].reset();
  command.line_ = std::move(ends[0]);
  if (options.method == Method::trace) {
    HERD_CHECK(trace(command.pid_));
    HERD_CHECK(kernel::send_message(command.line_.get(), "g"));
    return command;
  }
  HERD_TRY(command.listener_, receive_listener(command.line_.get()));
  wake_on_the_same_cpu(command.listener_.get());
  return command;
}

CaughtCommand::Exec CaughtCommand::exec() {
  if (exec_ != Exec::pending) return exec_;
  Message message;
  const ssize_t count = ::recv(line_.get(), &message, sizeof message, MSG_DONTWAIT);
  if (count == 0) exec_ = Exec::done;
  if (count != static_cast<ssize_t>(sizeof message)) return exec_;
  exec_errno_ = message.error;
  return exec_ = Exec::failed;
}

}  // namespace herd::record

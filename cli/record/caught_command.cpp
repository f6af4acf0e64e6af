#include "cli/record/caught_command.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cli/record/stops.hpp"
#include "common/kernel/seqpacket.hpp"
#include "common/seccomp/ask_all.hpp"
#include "common/seccomp/install.hpp"

namespace herd::record {
namespace {

using seccomp::Pass;

/// Once it is traced.
bool install_stops(int line) {
  char go = 0;
  if (::recv(line, &go, sizeof go, 0) != sizeof go) return false;
  sock_filter stop = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  sock_fprog filter{1, &stop};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
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
    const auto listener = seccomp::install_with_listener(plan.program);
    if (!listener) fail_with(listener.error().errno_value, false);
    send(line, {}, listener->get(), plan.pass);
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

}  // namespace

Result<CaughtCommand> CaughtCommand::start(const CommandOptions& options) {
  HERD_TRY(const Pass pass, seccomp::make_pass());
  ChildPlan plan{options, {}, seccomp::ask_for_all_but(SYS_sendmsg, pass), pass, ::getpid()};
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
  HERD_TRY(UniqueFd listener, receive_listener(command.line_.get()));
  HERD_TRY(command.listener_, seccomp::Listener::make(std::move(listener)));
  command.listener_->answer_on_the_callers_processor();
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

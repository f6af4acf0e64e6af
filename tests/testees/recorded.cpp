// Commands for the recorder of profiles: the same calls in each run, so that a profile of one is enough for
// the next.
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <thread>

#include "tests/testees/behaviours.hpp"

namespace testee {
namespace {

void call_as_a_worker_might() {
  winsize size{};
  ::ioctl(0, TIOCGWINSZ, &size);
  ::close(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::prctl(PR_SET_NAME, "recorded");
  // Whether a join waits in the kernel depends on who is faster.
  int word = 0;
  ::syscall(SYS_futex, &word, FUTEX_WAIT, 1, nullptr);
  ::syscall(SYS_futex, &word, FUTEX_WAKE, 1);
}

/// Denies getppid with EDOM, which that call can't fail with by itself.
bool deny_getppid() {
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

}  // namespace

void known_calls(const Arguments& arguments) {
  call_as_a_worker_might();
  std::thread(call_as_a_worker_might).join();
  const pid_t child = ::fork();
  if (child == 0) {
    call_as_a_worker_might();
    ::_exit(0);
  }
  int status = -1;
  if (::waitpid(child, &status, 0) != child || status != 0) die("the child did not do it");
  if (arguments.empty()) return;
  // Beyond what was recorded: a directory that can't be made tells a denied call from one that ran.
  const bool is_made = arguments[0] == "mkdir" ? ::mkdir("/herd-no-such-directory/a", 0700) == 0
                                               : ::socket(AF_INET, SOCK_STREAM, 0) >= 0;
  if (!is_made) std::exit(errno);
}

void own_filter(const Arguments&) {
  if (!deny_getppid()) die("no filter of its own");
  if (::syscall(SYS_getppid) != -1 || errno != EDOM) die("the filter has no effect");
}

}  // namespace testee

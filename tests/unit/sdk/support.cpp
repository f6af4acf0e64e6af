#include "tests/unit/sdk/support.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <fstream>

namespace herd::sdk_test {

namespace {

std::string read_to_end(int fd) {
  std::string text;
  char piece[4096];
  for (ssize_t count; (count = ::read(fd, piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(count));
  return text;
}

[[noreturn]] void run_child(const std::function<std::string()>& body, int out) {
  std::string text;
  try {
    text = body();
  } catch (const std::exception& exception) {
    text = std::string("exception: ") + exception.what();
  }
  const bool written = ::write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::_exit(written ? 0 : 1);
}

}  // namespace

std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "pipe failed";
  // Out of the way of fd 3, which the listener's tests replace.
  const int out = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
  ::close(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return "fork failed";
  if (child == 0) {
    ::close(ends[0]);
    run_child(body, out);
  }
  ::close(out);
  std::string text = read_to_end(ends[0]);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return text;
}

void clear_environment() {
  for (const char* name :
       {"HERD_POOL", "HERD_WORKER_ID", "HERD_SECCOMP_PROFILE", "HERD_SECCOMP_FD", "HERD_SECCOMP_DENIALS",
        "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
    ::unsetenv(name);
}

std::vector<sock_filter> deny_getppid() {
  return {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
}

std::vector<sock_filter> ask_about_getppid() {
  std::vector<sock_filter> program = deny_getppid();
  program[2].k = SECCOMP_RET_USER_NOTIF;
  return program;
}

std::vector<sock_filter> allow_all() {
  return {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
}

int memfd_with(const void* data, std::size_t size, Sealed sealed) {
  const int fd = ::memfd_create("filter", MFD_ALLOW_SEALING);
  if (::write(fd, data, size) != static_cast<ssize_t>(size)) return -1;
  if (sealed == Sealed::all_but_grow) ::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK);
  if (sealed == Sealed::yes) ::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
  return fd;
}

int memfd_with(const std::vector<sock_filter>& filter) {
  return memfd_with(filter.data(), filter.size() * sizeof(sock_filter));
}

void set_contract(const std::string& policy, int fd) {
  ::setenv("HERD_WORKER_ID", "web-1", 1);
  ::setenv("HERD_SECCOMP_PROFILE", policy.c_str(), 1);
  ::setenv("HERD_SECCOMP_FD", std::to_string(fd).c_str(), 1);
}

bool install_alone(const std::vector<sock_filter>& filter) {
  sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

std::string try_getppid() {
  errno = 0;
  return ::syscall(SYS_getppid) == -1 && errno == EPERM ? "EPERM" : "allowed";
}

std::string status_field(const std::string& field) {
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":\t")) return line.substr(field.size() + 2);
  return "";
}

}  // namespace herd::sdk_test

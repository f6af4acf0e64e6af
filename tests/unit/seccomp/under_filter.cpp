#include "tests/unit/seccomp/under_filter.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace herd::seccomp::test {

End run_plain(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

End run_under(std::span<const sock_filter> program, const std::function<int()>& body,
              const InstallOptions& options) {
  return run_plain([&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (auto status = install(program, options); !status) {
      std::fprintf(stderr, "%s\n", status.error().message.c_str());
      return 125;
    }
    return body();
  });
}

End exec_under(std::span<const sock_filter> program, const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  return run_under(program, [&] {
    ::execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    return 124;
  });
}

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string directory; std::getline(directories, directory, ':');)
    if (::access((directory + "/" + name).c_str(), X_OK) == 0) return true;
  return false;
}

int raw(long number, long a, long b, long c, long d, long e, long f) {
  return ::syscall(number, a, b, c, d, e, f) == -1 ? errno : 0;
}

}  // namespace herd::seccomp::test

// How herd starts a process: clone3 with a pidfd, and a program that nobody can write to.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "cli/doctor/checks.hpp"
#include "cli/doctor/cloned.hpp"
#include "common/kernel/memfd.hpp"

namespace herd::doctor {
namespace {

int end_at_once(void*) {
  return 0;
}

Result<std::string> clone_with_pidfd() {
  HERD_CHECK(run_cloned(0, end_at_once));
  return std::string("the child was waited for by its pidfd");
}

/// This program stands for herd-exec; all that it is to do is to start.
[[noreturn]] void execute(int program) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, 1);
  dup2(null, 2);
  const std::array<const char*, 3> argv{"herdctl", "--version", nullptr};
  const std::array<const char*, 1> environment{nullptr};
  syscall(SYS_execveat, program, "", argv.data(), environment.data(), AT_EMPTY_PATH);
  _exit(errno);
}

Result<std::string> sealed_program() {
  HERD_TRY(const UniqueFd program, kernel::sealed_program("/proc/self/exe"));
  if (write(program.get(), "x", 1) >= 0) return fail("it can be written to in spite of its seal");
  const pid_t child = fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) execute(program.get());
  int status = 0;
  if (waitpid(child, &status, 0) != child) return fail_errno("waitpid");
  if (!WIFEXITED(status)) return fail("the program was ended by a signal");
  if (WEXITSTATUS(status) != 0) return fail_errno("execveat", WEXITSTATUS(status));
  return std::string("memfd_create, sealed against writing, and executed");
}

}  // namespace

std::vector<Check> process_checks() {
  return {{.name = "clone3",
           .needed_for = kEveryPool,
           .attempt = clone_with_pidfd,
           .remedy = {"let the seccomp profile around herdd allow clone3",
                      "use Linux 5.5 or later, and a seccomp profile that allows clone3"}},
          {.name = "sealed program",
           .needed_for = kEveryPool,
           .attempt = sealed_program,
           .remedy = {"sysctl vm.memfd_noexec=1 or 0", "use a kernel with CONFIG_MEMFD_CREATE"}}};
}

}  // namespace herd::doctor

#include "tests/support/process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/support/host.hpp"

namespace herd::test {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  const auto argv = pointers(arguments);
  const auto envp = pointers(options.environment);
  const std::string output = options.output.empty() ? "/dev/null" : options.output;
  int started[2];
  if (::pipe2(started, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const UniqueFd reader(started[0]);
  UniqueFd writer(started[1]);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    const int null = ::open("/dev/null", O_RDONLY);
    const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(null, 0);
    ::dup2(file, 1);
    const int errors =
        options.errors.empty() ? file : ::open(options.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(errors, 2);
    ::syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (options.before_exec) options.before_exec();
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  pidfd_ = open_pidfd(pid_);
  writer.reset();
  char end;
  (void)!::read(reader.get(), &end, 1);  // its end says that the child has come to its exec
}

Process::~Process() {
  if (!pidfd_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<int> Process::wait(std::chrono::milliseconds deadline) {
  if (!pidfd_ || !ends_within(pidfd_, deadline)) return std::nullopt;
  int status = 0;
  const pid_t waited = ::waitpid(pid_, &status, 0);
  pidfd_.reset();
  if (waited != pid_) throw std::runtime_error("somebody else waited for the process");
  return status;
}

}  // namespace herd::test

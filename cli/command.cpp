#include "cli/command.hpp"

#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares these without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace herd::cli {
namespace {

std::vector<std::string> merged_environment(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool is_replaced = false;
    for (const auto& [name, value] : added) is_replaced = is_replaced || text.starts_with(name + "=");
    if (!is_replaced) merged.push_back(text);
  }
  for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<SignalCatcher> SignalCatcher::start() {
  SignalCatcher catcher;
  sigset_t caught;
  sigemptyset(&caught);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&caught, number);
  if (sigprocmask(SIG_BLOCK, &caught, &catcher.before_) < 0) return fail_errno("sigprocmask");
  catcher.armed_ = true;
  catcher.fd_ = UniqueFd(signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!catcher.fd_) return fail_errno("signalfd");
  return catcher;
}

SignalCatcher::~SignalCatcher() {
  if (armed_) sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int SignalCatcher::take() {
  signalfd_siginfo info{};
  return read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

Result<Command> Command::start(const std::vector<std::string>& argv,
                               const std::vector<std::pair<std::string, std::string>>& environment,
                               const sigset_t& signal_mask) {
  std::vector<std::string> arguments = argv, variables = merged_environment(environment);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &signal_mask);
  Command command;
  const int failed = posix_spawnp(&command.pid_, argv[0].c_str(), nullptr, &attributes,
                                  pointers_to(arguments).data(), pointers_to(variables).data());
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return fail_errno("start '" + argv[0] + "'", failed);
  command.pidfd_ = UniqueFd(pidfd_open(command.pid_, 0));
  if (!command.pidfd_) return fail_errno("pidfd_open");
  return command;
}

void Command::signal(int number) {
  pidfd_send_signal(pidfd_.get(), number, nullptr, 0);
}

int Command::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace herd::cli

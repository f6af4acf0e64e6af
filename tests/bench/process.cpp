#include "tests/bench/process.hpp"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <sstream>

#include "common/kernel/files.hpp"

namespace herd::bench {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

bool wait_readable(int fd, std::chrono::milliseconds timeout) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, static_cast<int>(timeout.count())) == 1;
}

Result<Child> Child::start(const std::vector<std::string>& argv, int output, int errors) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (errors >= 0) posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, words.front(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return fail_errno("start '" + argv.front() + "'", failed);
  return Child(pid);
}

Result<Child> Child::begin_fork() {
  const pid_t pid = fork();
  if (pid < 0) return fail_errno("fork");
  return Child(pid);
}

void Child::leave() {
  _exit(0);
}

Child::~Child() {
  if (pid_ > 0) end(SIGKILL, 0ms);
}

bool Child::is_running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void Child::end(int signal, std::chrono::milliseconds timeout) {
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  kill(pid_, signal);
  if (signal != SIGKILL && !wait_readable(pidfd.get(), timeout)) kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Result<std::uint64_t> kib_of(pid_t pid, const std::string& file, const std::string& key) {
  HERD_TRY(const std::string text, kernel::read_file("/proc/" + std::to_string(pid) + "/" + file));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key + ":")) continue;
    return std::stoull(line.substr(key.size() + 1));
  }
  return fail("no '" + key + "' in /proc/" + std::to_string(pid) + "/" + file);
}

Result<std::chrono::nanoseconds> cpu_time_of(pid_t pid) {
  clockid_t clock{};
  if (const int failed = clock_getcpuclockid(pid, &clock); failed != 0)
    return fail_errno("cpu clock", failed);
  timespec now{};
  if (clock_gettime(clock, &now) != 0) return fail_errno("cpu clock");
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Result<std::size_t> open_files_of(pid_t pid) {
  std::error_code error;
  const fs::directory_iterator entries("/proc/" + std::to_string(pid) + "/fd", error);
  if (error) return fail("open files of " + std::to_string(pid) + ": " + error.message());
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

Result<std::vector<pid_t>> children_of(pid_t pid, const std::string& comm) {
  std::vector<pid_t> found;
  std::error_code error;
  // A child belongs to the thread that started it.
  for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    HERD_TRY(const std::string text, kernel::read_file(thread.path().string() + "/children"));
    std::istringstream numbers(text);
    for (pid_t child = 0; numbers >> child;) {
      const auto name = kernel::read_file("/proc/" + std::to_string(child) + "/comm");
      if (name && *name == comm + "\n") found.push_back(child);
    }
  }
  if (error) return fail("children of " + std::to_string(pid) + ": " + error.message());
  return found;
}

}  // namespace herd::bench

#include "tests/support/core_handler.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "tests/support/host.hpp"

namespace herd::test {
namespace {

constexpr const char* kPattern = "/proc/sys/kernel/core_pattern";

bool set_pattern(const std::string& pattern) {
  const UniqueFd file(::open(kPattern, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), pattern.data(), pattern.size()) == static_cast<ssize_t>(pattern.size());
}

pid_t crash_a_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = 0;
    ::setrlimit(RLIMIT_CORE, &limit);
    std::abort();
  }
  ::waitpid(child, nullptr, 0);
  return child;
}

/// A line of the fifo: a pid. 0 where none comes.
pid_t next_pid(int fifo) {
  std::string line;
  pollfd entry{fifo, POLLIN, 0};
  for (char c = 0; c != '\n'; line += c) {
    if (::poll(&entry, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) return 0;
    if (::read(fifo, &c, 1) != 1) return 0;
  }
  pid_t pid = 0;
  std::from_chars(line.data(), line.data() + line.size(), pid);
  return pid;
}

}  // namespace

CoreHandler::CoreHandler() : lock_(lock_host("core-pattern")) {
  const std::string fifo = directory_.path() + "/told", handler = directory_.path() + "/handler";
  ::mkfifo(fifo.c_str(), 0600);
  told_ = UniqueFd(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  directory_.write("handler", "#!/bin/sh\necho \"$1\" >" + fifo + "\n");
  std::filesystem::permissions(handler, std::filesystem::perms(0755));
  start_keeper(text_of(kPattern));
  is_set_ = set_pattern("|" + handler + " %P\n");
}

CoreHandler::~CoreHandler() {
  alive_.reset();
  ::waitpid(keeper_, nullptr, 0);
}

/// A child that puts the pattern back once this process is done with it, or has been killed. It shares the
/// lock, so nobody takes the pattern as it finds it before that.
void CoreHandler::start_keeper(const std::string& before) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const UniqueFd reader(ends[0]);
  alive_ = UniqueFd(ends[1]);
  keeper_ = ::fork();
  if (keeper_ != 0) return;
  ::setsid();  // what ends the test's process group does not end it
  alive_.reset();
  char none;
  (void)!::read(reader.get(), &none, 1);
  ::_exit(set_pattern(before) ? 0 : 1);
}

std::set<pid_t> CoreHandler::crashed_up_to_a_child() {
  const pid_t child = crash_a_child();
  std::set<pid_t> crashed;
  while (!crashed.contains(child)) {
    const pid_t told = next_pid(told_.get());
    if (told == 0) return {};
    crashed.insert(told);
  }
  return crashed;
}

}  // namespace herd::test

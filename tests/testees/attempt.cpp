#include "tests/testees/attempt.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/testees/support.hpp"

namespace testee {

namespace {

std::string read_to_end(int fd) {
  std::string text;
  char block[4096];
  for (ssize_t count = 0; (count = ::read(fd, block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(count));
  return text;
}

}  // namespace

std::string in_a_child(const std::function<std::string()>& attempt) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe: " + errno_name(errno);
  const pid_t child = ::fork();
  if (child < 0) return "fork: " + errno_name(errno);
  if (child == 0) {
    ::close(ends[0]);
    write_all(ends[1], attempt());
    ::_exit(0);
  }
  ::close(ends[1]);
  const std::string text = read_to_end(ends[0]);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : text;
}

}  // namespace testee

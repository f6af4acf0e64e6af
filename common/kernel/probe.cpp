#include "common/kernel/probe.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "common/kernel/files.hpp"

namespace herd::kernel {
namespace {

/// In front of the text that the child sends.
struct Header {
  bool is_had = false;
  int errno_value = 0;
};

[[noreturn]] void run_child(const Attempt& attempt, const UniqueFd& answer) {
  setpgid(0, 0);
  const Result<std::string> result = attempt();
  const Header header{result.has_value(), result ? 0 : result.error().errno_value};
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message += result ? *result : result.error().message;
  (void)write_all(answer.get(), message);
  _exit(0);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return std::string("ended by ") + strsignal(WTERMSIG(status));
  return "ended with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<std::string> probe(const Attempt& attempt, std::chrono::milliseconds limit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) run_child(attempt, writer);
  setpgid(child, child);  // here too: whoever comes first
  writer.reset();
  std::string text;
  const bool has_ended = read_until_end(reader.get(), limit, text);
  // What it has left running would outlive it.
  kill(-child, SIGKILL);
  kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!has_ended) return fail_errno("no end within " + std::to_string(limit.count()) + " ms", ETIMEDOUT);
  Header header;
  if (text.size() < sizeof header) return fail("the attempt was " + how_it_ended(status));
  std::memcpy(&header, text.data(), sizeof header);
  text.erase(0, sizeof header);
  if (header.is_had) return text;
  return tl::make_unexpected(Error{std::move(text), header.errno_value});
}

}  // namespace herd::kernel

#include "tests/testees/support.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <herd/worker.hpp>
#include <sstream>

namespace testee {

long number_argument(const Arguments& arguments, std::size_t n, long otherwise) {
  if (n >= arguments.size()) return otherwise;
  long value = 0;
  const char* end = arguments[n].data() + arguments[n].size();
  const auto [stop, error] = std::from_chars(arguments[n].data(), end, value);
  if (error != std::errc{} || stop != end) die("'" + arguments[n] + "' is not a number");
  return value;
}

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ::_exit(71);  // nobody reads any more
    done += static_cast<std::size_t>(count);
  }
}

void say(const std::string& line) {
  write_all(STDOUT_FILENO, line + "\n");
}

void die(const std::string& sentence) {
  write_all(STDERR_FILENO, "testee: " + sentence + "\n");
  ::_exit(70);
}

void pause_forever() {
  for (;;) ::pause();
}

void wait_for(std::chrono::milliseconds time) {
  const timespec left{time.count() / 1000, time.count() % 1000 * 1'000'000};
  ::ppoll(nullptr, 0, &left, nullptr);
}

void enter() {
  if (std::getenv("HERD_SECCOMP_FD") == nullptr) return;
  if (herd_enter_sandbox() != 0)
    die(std::string("enter: ") + herd_sandbox_state_text() + ": " + herd_last_error());
}

void ready() {
  if (herd_notify_ready() < 0) die(herd_last_error());
}

void start_up() {
  enter();
  ready();
}

int own_port() {
  const std::string port = variable("PORT");
  if (port.empty()) die("PORT is not set");
  return std::atoi(port.c_str());
}

int passed_listener() {
  const int fd = herd_listen_fd();
  if (fd < 0) die(herd_last_error());
  return fd;
}

std::string errno_name(int value) {
  if (value == 0) return "ok";
  const char* name = ::strerrorname_np(value);
  return name == nullptr ? std::to_string(value) : name;
}

std::string outcome(long result) {
  return result < 0 ? errno_name(errno) : "ok";
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace testee

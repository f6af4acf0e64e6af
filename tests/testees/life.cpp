// How a worker begins and ends.
#include <unistd.h>

#include <csignal>
#include <herd/worker.hpp>
#include <string>
#include <thread>

#include "tests/testees/behaviours.hpp"

namespace testee {

namespace {

constexpr int kClosedFds = 1024;

}  // namespace

void exit_with(const Arguments& arguments) {
  ::_exit(static_cast<int>(number_argument(arguments, 0, 0)));
}

void exit_on_stdin_eof(const Arguments& arguments) {
  start_up();
  char byte;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  exit_with(arguments);
}

void never_ready(const Arguments&) {
  enter();
  pause_forever();
}

void sigterm_default(const Arguments&) {
  start_up();
  pause_forever();
}

void close_fds(const Arguments&) {
  start_up();
  for (int fd = 0; fd < kClosedFds; ++fd) ::close(fd);
  pause_forever();
}

void status_text(const Arguments& arguments) {
  if (herd_notify_status(arguments.empty() ? "warming up" : arguments[0].c_str()) < 0) die(herd_last_error());
  start_up();
  pause_forever();
}

void status_flood(const Arguments&) {
  start_up();
  for (unsigned long count = 0;; ++count) herd_notify_status(std::to_string(count).c_str());
}

void never_quiet(const Arguments&) {
  constexpr int kThreads = 60;
  std::signal(SIGTERM, SIG_IGN);
  start_up();
  for (int i = 0; i < kThreads; ++i)
    std::thread([] {
      for (;;) herd_notify_status("again");
    }).detach();
  pause_forever();
}

}  // namespace testee

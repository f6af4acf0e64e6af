// Workers that are more than one process.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <vector>

#include "tests/testees/behaviours.hpp"

namespace testee {

namespace {

using namespace std::chrono_literals;

constexpr auto kRetry = 5ms;
constexpr int kOrphanRounds = 1000;  // of kRetry each
constexpr std::size_t kStormCrowd = 150, kStormSlots = 500, kStormStack = 8 * 1024;

constexpr int kStormNice = 19;
constexpr int kStubbornChildren = 3, kStubbornGrandchildren = 2;

/// Forks a child that forks `body` and exits, so that its process loses its parent; the process's pid.
template <typename Body>
pid_t fork_orphan(const Body& body) {
  int ends[2];
  if (::pipe(ends) != 0) die("pipe: " + errno_name(errno));
  const pid_t child = ::fork();
  if (child < 0) die("fork: " + errno_name(errno));
  if (child == 0) {
    const pid_t orphan = ::fork();
    if (orphan == 0) {
      ::close(ends[0]);
      ::close(ends[1]);
      body();
      ::_exit(0);
    }
    (void)!::write(ends[1], &orphan, sizeof orphan);
    ::_exit(0);
  }
  pid_t orphan = -1;
  (void)!::read(ends[0], &orphan, sizeof orphan);
  ::close(ends[0]);
  ::close(ends[1]);
  ::waitpid(child, nullptr, 0);
  if (orphan < 0) die("fork failed");
  return orphan;
}

/// Where one process of the storm runs. They share their memory: a fork that copies none is several times as
/// fast.
struct StormSlot {
  std::atomic<pid_t> taken{0};  // the kernel writes 0 at the process's end
  alignas(16) std::array<char, kStormStack> stack{};
};
std::array<StormSlot, kStormSlots> storm_slots;

int storm(void*);

/// The slot of the new process. All are the first one's children, which reaps by ignoring them: zombies would
/// fill the limit and calm the storm.
std::optional<std::size_t> fork_into_storm(int flags) {
  for (std::size_t i = 0; i < storm_slots.size(); ++i) {
    StormSlot& slot = storm_slots[i];
    if (pid_t free = 0; !slot.taken.compare_exchange_strong(free, 1)) continue;
    const int child =
        ::clone(storm, slot.stack.data() + slot.stack.size(),
                flags | CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, nullptr, nullptr, nullptr, &slot.taken);
    if (child >= 0) return i;
    slot.taken = 0;
    return std::nullopt;
  }
  return std::nullopt;
}

/// Ends at birth with an even chance, later in a crowd. The crowd is far from any limit: at a limit nobody
/// could fork until the first ones that were killed are gone.
int storm(void*) {
  static std::atomic<unsigned> births{0};
  std::minstd_rand random(++births);
  if (random() % 2 == 0) return 0;
  for (std::optional<std::size_t> slot = 0; slot && *slot < kStormCrowd;)
    slot = fork_into_storm(CLONE_PARENT);
  return 0;
}

bool is_gone(pid_t pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

void ready_from_child(const Arguments&) {
  enter();
  if (::fork() == 0) {
    ready();
    ::_exit(0);
  }
  pause_forever();
}

void fork_bomb(const Arguments& arguments) {
  const long wanted = number_argument(arguments, 0, -1);
  start_up();
  for (long count = 0; count != wanted;) {
    const pid_t child = ::fork();
    if (child == 0) pause_forever();
    if (child > 0)
      ++count;
    else
      wait_for(kRetry);  // at the limit: keep trying, without burning the CPU
  }
  say("forked " + std::to_string(wanted));
  pause_forever();
}

void fork_storm(const Arguments&) {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGCHLD, SIG_IGN);
  start_up();
  (void)!::nice(kStormNice);  // the host has other things to do
  for (;;) fork_into_storm(0);
}

void orphans(const Arguments& arguments) {
  start_up();
  std::vector<pid_t> left;
  for (long i = number_argument(arguments, 0, 20); i > 0; --i) left.push_back(fork_orphan([] {}));
  for (int round = 0; round < kOrphanRounds && !left.empty(); ++round) {
    std::erase_if(left, is_gone);
    if (!left.empty()) wait_for(kRetry);
  }
  say(left.empty() ? "orphans gone" : "orphans left: " + std::to_string(left.size()));
  pause_forever();
}

void daemonize(const Arguments&) {
  start_up();
  const pid_t daemon = fork_orphan([] {
    ::setsid();
    pause_forever();
  });
  say(std::to_string(daemon));
}

void stubborn_tree(const Arguments&) {
  ::signal(SIGTERM, SIG_IGN);
  enter();
  for (int i = 0; i < kStubbornChildren; ++i) {
    if (::fork() != 0) continue;
    for (int j = 0; j < kStubbornGrandchildren; ++j)
      if (::fork() == 0) pause_forever();
    pause_forever();
  }
  ready();
  pause_forever();
}

void child_before_entering(const Arguments&) {
  if (::fork() == 0) pause_forever();
  start_up();
  pause_forever();
}

}  // namespace testee

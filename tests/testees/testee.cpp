// One program with many behaviours, for tests that need a real worker: `testee BEHAVIOUR [ARGUMENT]...`.
#include <cstdio>
#include <string_view>

#include "tests/testees/behaviours.hpp"

namespace {

using namespace testee;

struct Behaviour {
  std::string_view name;
  void (*run)(const Arguments&);
  std::string_view what;
};

// "starts up" is: enters the sandbox where a filter was passed, then says that it is ready.
constexpr Behaviour kBehaviours[] = {
    {"serve", serve, "starts up, serves HTTP on the passed listener; its paths stand in serve.cpp"},
    {"serve-with-thread", serve_with_thread, "as serve, with a thread that is there before it enters"},
    {"serve-without-listener", serve_without_listener, "as serve, but knows nothing of HERD_SECCOMP_DENIALS"},
    {"serve-keeping-listener", serve_keeping_listener,
     "as serve, but keeps the listener of its filter as well"},
    {"serve-hiding-listener", serve_hiding_listener, "the same, in a message that it sent to itself"},
    {"serve-no-sandbox", serve_no_sandbox, "says ready without entering the sandbox, then serves"},
    {"serve-old-order", serve_old_order, "says ready before anything else, never enters, then serves"},
    {"serve-late-enter", serve_late_enter, "says ready first and enters right after, then serves"},
    {"ignore-term", ignore_term, "as serve, but ignores SIGTERM"},
    {"slow-start", slow_start, "MS (300): as serve, after a delay"},
    {"listen-own-port", listen_own_port, "binds ${PORT} on 127.0.0.1 and serves; knows nothing of herd"},
    {"connect-later", connect_later, "MS (300): as listen-own-port, after a delay"},
    {"listen-on-signal", listen_on_signal, "prints 'waiting', and on SIGUSR1 does as listen-own-port"},
    {"stream-own-port", stream_own_port,
     "binds ${PORT} on 127.0.0.1; a connection's first byte says what comes of it (streams.cpp)"},
    {"exit", exit_with, "CODE (0): exits with it, without being ready"},
    {"exit-on-stdin-eof", exit_on_stdin_eof, "CODE (0): starts up, exits when its stdin ends"},
    {"never-ready", never_ready, "enters the sandbox, says nothing, waits for ever"},
    {"sigterm-default", sigterm_default, "starts up, waits for ever with default signal actions"},
    {"close-fds", close_fds, "starts up, closes fds 0 to 1023, waits for ever"},
    {"status-text", status_text, "TEXT (warming up): sends it as its status, starts up, waits for ever"},
    {"status-flood", status_flood, "starts up, sends a new status as fast as it can"},
    {"never-quiet", never_quiet, "starts up, ignores SIGTERM, and sends notices from 60 threads without end"},
    {"child-before-entering", child_before_entering, "forks a child that waits for ever, then starts up"},
    {"ready-from-child", ready_from_child, "a child of it says ready, itself it waits for ever"},
    {"fork-bomb", fork_bomb, "COUNT (endless): starts up, forks children that wait for ever"},
    {"fork-storm", fork_storm,
     "ignores SIGTERM, starts up, forks without end, as do its children, which live or exit at random"},
    {"orphans", orphans,
     "COUNT (20): starts up, leaves zombies to init, prints 'orphans gone' once they are"},
    {"daemonize", daemonize, "starts up, leaves a child in a session of its own, prints its pid, exits"},
    {"stubborn-tree", stubborn_tree,
     "starts up, a tree of 3 children with 2 children each; all ignore SIGTERM"},
    {"flood", flood, "COUNT (endless): starts up, writes lines as fast as it can"},
    {"timed-flood", timed_flood,
     "BYTES LINES ['both']: starts up, waits for SIGUSR1, writes them to stdout, with 'both' to stderr too, "
     "and then 'longest write MS'"},
    {"long-line", long_line, "BYTES (10 MB): starts up, writes one such line and the line 'after'"},
    {"binary", binary, "starts up, writes the bytes 0 to 255 and the line 'after'"},
    {"print-env", print_env, "prints its environment as one JSON array, starts up, waits for ever"},
    {"report", print_report,
     "['enter']: prints a JSON object about itself (report.cpp), says ready, waits for ever;"
     " with 'enter' it enters the sandbox first"},
    {"threads-then-enter", threads_then_enter,
     "enters with four threads running, prints what each got, says ready"},
    {"tsync-fail", tsync_fail, "enters while a thread has its own filter, prints the result, says ready"},
    {"denied-once", denied_once, "makes a denied call, prints its result, exits"},
    {"known-calls", known_calls,
     "['mkdir'|'inet']: the same calls each time, also in a thread and a child; then one more; its errno is "
     "the exit code"},
    {"own-filter", own_filter, "puts a filter of its own on itself, sees it in force, exits"},
    {"make-calls", make_calls,
     "NAME...: makes these calls ('syscall list' names them), whatever comes of them"},
    {"syscall", one_syscall,
     "NAME: starts up, makes that call (syscalls.cpp; 'list' names them), prints its result"},
};

int list() {
  for (const auto& behaviour : kBehaviours)
    std::printf("%-20s %s\n", behaviour.name.data(), behaviour.what.data());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  if (wanted == "--list") return list();
  for (const auto& behaviour : kBehaviours) {
    if (behaviour.name != wanted) continue;
    behaviour.run(Arguments(argv + 2, argv + argc));
    return 0;
  }
  std::fprintf(stderr, "usage: testee --list | BEHAVIOUR [ARGUMENT]...\n");
  return 64;
}

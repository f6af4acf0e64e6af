// Every behaviour is a function of the arguments after its name. The table in testee.cpp says what each does.
#pragma once

#include "tests/testees/support.hpp"

namespace testee {

// serve.cpp
void serve(const Arguments&);
void serve_with_thread(const Arguments& arguments);
void serve_without_listener(const Arguments& arguments);
void serve_keeping_listener(const Arguments& arguments);
void serve_no_sandbox(const Arguments&);
void serve_old_order(const Arguments&);
void serve_late_enter(const Arguments&);
void ignore_term(const Arguments&);
void slow_start(const Arguments&);
void listen_own_port(const Arguments&);
void connect_later(const Arguments&);
void listen_on_signal(const Arguments&);

// streams.cpp
void stream_own_port(const Arguments&);

// life.cpp
void exit_with(const Arguments&);
void exit_on_stdin_eof(const Arguments&);
void never_ready(const Arguments&);
void sigterm_default(const Arguments&);
void close_fds(const Arguments&);
void status_text(const Arguments&);
void status_flood(const Arguments&);
void never_quiet(const Arguments&);

// trees.cpp
void ready_from_child(const Arguments&);
void child_before_entering(const Arguments&);
void fork_bomb(const Arguments&);
void fork_storm(const Arguments&);
void orphans(const Arguments&);
void daemonize(const Arguments&);
void stubborn_tree(const Arguments&);

// output.cpp
void flood(const Arguments&);
void timed_flood(const Arguments&);
void long_line(const Arguments&);
void binary(const Arguments&);
void print_env(const Arguments&);
void print_report(const Arguments&);

// recorded.cpp
void known_calls(const Arguments&);
void own_filter(const Arguments&);

// sandbox.cpp
void serve_hiding_listener(const Arguments& arguments);
void take_own_calls();
void threads_then_enter(const Arguments&);
void tsync_fail(const Arguments&);

// syscalls.cpp
void one_syscall(const Arguments&);
void denied_once(const Arguments&);
void make_calls(const Arguments&);

}  // namespace testee

// The behaviours that serve HTTP. Every path is answered with 200 and {"pid", "worker", "pool", "requests",
// "health_checks"},
// except:
//   /health       200; 500 after /unhealthy, once after /unhealthy-once
//   /exit?code=N  answers, then exits
//   /crash        dies of SIGSEGV          /abort  of SIGABRT
//   /lower-core   sets its core limit to 0: {"errno": "EPERM"}
//   /say?TEXT     writes it to stdout
//   /hold?MIB     takes so much memory and keeps it
//   /eat          takes memory until it is killed (4 GiB at most)
//   /forkeat      a child of it does
//   /denied?WHO   mount(2), by this thread, or 'thread': by one that was there before it entered; 'child': by
//   a
//                 forked one: {"errno": "EPERM"}
//   /storm?COUNT  a child makes so many denied calls and writes 'storm over'
//   /steal        with serve-hiding-listener: makes denied calls and answers them, where it can
//   /sigsys       dies of SIGSYS
//   /report       report.cpp
//   /signal?N     kill(N, 0): {"errno": "ESRCH"}
//   /echo         the request's body
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <thread>
#include <utility>

#include "tests/testees/behaviours.hpp"
#include "tests/testees/http.hpp"
#include "tests/testees/report.hpp"

namespace testee {

namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kMaxPieces = 4096;
constexpr long kDefaultDelayMs = 300;

void eat(std::size_t pieces) {
  for (std::size_t i = 0; i < pieces; ++i) {
    void* piece = ::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return;
    std::memset(piece, 1, kPiece);
  }
}

Response fork_eat() {
  const pid_t child = ::fork();
  if (child == 0) {
    eat(kMaxPieces);
    pause_forever();
  }
  return {200, nlohmann::json{{"child", child}}.dump()};
}

Response storm(long count) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close_range(3, ~0U, 0);  // the connection, whose end the client waits for
    for (long i = 0; i < count; ++i) ::syscall(SYS_pivot_root, "/herd-no-such-directory", "/");
    say("storm over");
    ::_exit(0);
  }
  return {200, nlohmann::json{{"child", child}}.dump()};
}

/// A signal's default action, whatever is blocked or handled.
void die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

std::string mount_outcome() {
  return outcome(::mount("none", "/proc", "herd-no-such-type", 0, nullptr));
}

std::string mount_in_child() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::mount("none", "/proc", "herd-no-such-type", 0, nullptr) == 0 ? 0 : errno);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? errno_name(WEXITSTATUS(status)) : "signal " + std::to_string(WTERMSIG(status));
}

/// A thread that is there before the process enters its sandbox.
class EarlyThread {
 public:
  EarlyThread() {
    std::thread([this] {
      for (;;) {
        asked_.acquire();
        outcome_ = mount_outcome();
        answered_.release();
      }
    }).detach();
  }
  std::string ask() {
    asked_.release();
    answered_.acquire();
    return outcome_;
  }

 private:
  std::binary_semaphore asked_{0}, answered_{0};
  std::string outcome_;
};

EarlyThread& early_thread() {
  static EarlyThread thread;
  return thread;
}

class Site {
 public:
  Response answer(const Request& request) {
    if (request.path == "/health") return health();
    ++requests_;
    if (request.path == "/unhealthy") healthy_ = false;
    if (request.path == "/unhealthy-once") fails_once_ = true;
    if (request.path == "/exit") return exit_later(request.query);
    if (request.path == "/crash") die_of(SIGSEGV);
    if (request.path == "/abort") die_of(SIGABRT);
    if (request.path == "/sigsys") die_of(SIGSYS);
    if (request.path == "/storm") return storm(std::atol(request.query.c_str()));
    if (request.path == "/steal") take_own_calls();
    if (request.path == "/lower-core") return lower_core();
    if (request.path == "/say") say(request.query);
    if (request.path == "/hold") eat(std::strtoul(request.query.c_str(), nullptr, 10));
    if (request.path == "/eat") eat(kMaxPieces);
    if (request.path == "/forkeat") return fork_eat();
    if (request.path == "/denied") return denied(request.query);
    if (request.path == "/signal") return signals(request.query);
    if (request.path == "/report") return {200, report()};
    if (request.path == "/echo") return {200, request.body};
    return about();
  }

 private:
  Response health() {
    ++health_checks_;
    return {healthy_ && !std::exchange(fails_once_, false) ? 200 : 500};
  }
  [[nodiscard]] Response about() const {
    return {200, nlohmann::json{{"pid", ::getpid()},
                                {"worker", variable("HERD_WORKER_ID")},
                                {"pool", variable("HERD_POOL")},
                                {"requests", requests_},
                                {"health_checks", health_checks_}}
                     .dump()};
  }
  static Response denied(const std::string& who) {
    const std::string result = who == "thread"  ? early_thread().ask()
                               : who == "child" ? mount_in_child()
                                                : mount_outcome();
    return {200, nlohmann::json{{"errno", result}}.dump()};
  }
  static Response lower_core() {
    const rlimit none{0, 0};
    return {200, nlohmann::json{{"errno", outcome(::setrlimit(RLIMIT_CORE, &none))}}.dump()};
  }
  static Response signals(const std::string& query) {
    return {200, nlohmann::json{{"errno", outcome(::kill(std::atoi(query.c_str()), 0))}}.dump()};
  }
  static Response exit_later(const std::string& query) {
    const int code = query.starts_with("code=") ? std::atoi(query.c_str() + 5) : 0;
    return {200, "{}", [code] { ::_exit(code); }};
  }
  bool healthy_ = true, fails_once_ = false;
  long requests_ = 0, health_checks_ = 0;
};

[[noreturn]] void serve_site(int listener) {
  Site site;
  serve_http(listener, [&site](const Request& request) { return site.answer(request); });
}

}  // namespace

void serve(const Arguments&) {
  const int listener = passed_listener();
  start_up();
  serve_site(listener);
}

void serve_with_thread(const Arguments&) {
  const int listener = passed_listener();
  early_thread();
  start_up();
  serve_site(listener);
}

void serve_without_listener(const Arguments& arguments) {
  ::unsetenv("HERD_SECCOMP_DENIALS");
  serve(arguments);
}

void serve_no_sandbox(const Arguments&) {
  const int listener = passed_listener();
  ready();
  serve_site(listener);
}

void serve_old_order(const Arguments&) {
  ready();
  serve_site(passed_listener());
}

void serve_late_enter(const Arguments&) {
  ready();
  enter();
  serve_site(passed_listener());
}

void ignore_term(const Arguments& arguments) {
  ::signal(SIGTERM, SIG_IGN);
  serve(arguments);
}

void slow_start(const Arguments& arguments) {
  wait_for(std::chrono::milliseconds(number_argument(arguments, 0, kDefaultDelayMs)));
  serve(arguments);
}

void listen_own_port(const Arguments&) {
  serve_site(listen_on(own_port()));
}

void listen_on_signal(const Arguments&) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  say("waiting");
  int signal = 0;
  ::sigwait(&awaited, &signal);
  serve_site(listen_on(own_port()));
}

void connect_later(const Arguments& arguments) {
  wait_for(std::chrono::milliseconds(number_argument(arguments, 0, kDefaultDelayMs)));
  serve_site(listen_on(own_port()));
}

}  // namespace testee

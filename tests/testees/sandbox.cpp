// Entering the sandbox beside other threads.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <herd/worker.hpp>
#include <latch>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/testees/behaviours.hpp"
#include "tests/testees/report.hpp"

namespace testee {

namespace {

constexpr int kThreads = 4;

void say_result(int result) {
  say(nlohmann::json{{"result", result}, {"state", herd_sandbox_state_text()}, {"error", herd_last_error()}}
          .dump());
}

void install_allow_all() {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{1, &allow};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    die("install a filter: " + errno_name(errno));
}

}  // namespace

void threads_then_enter(const Arguments&) {
  std::vector<pid_t> ids(kThreads);
  std::latch started(kThreads + 1);
  for (auto& id : ids) {
    std::thread([&id, &started] {
      id = ::gettid();
      started.arrive_and_wait();
      pause_forever();
    }).detach();
  }
  started.arrive_and_wait();
  say_result(herd_enter_sandbox());
  auto threads = nlohmann::json::array();
  for (const pid_t id : ids) {
    const auto status = status_of("/proc/self/task/" + std::to_string(id) + "/status");
    threads.push_back(
        {{"thread", id}, {"NoNewPrivs", status.at("NoNewPrivs")}, {"Seccomp", status.at("Seccomp")}});
  }
  say(threads.dump());
  ready();
  pause_forever();
}

void tsync_fail(const Arguments&) {
  std::latch installed(1);
  std::thread([&installed] {
    install_allow_all();
    installed.count_down();
    pause_forever();
  }).detach();
  installed.wait();
  say_result(herd_enter_sandbox());
  ready();
  pause_forever();
}

}  // namespace testee

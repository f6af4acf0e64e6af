// Entering the sandbox beside other threads.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <herd/worker.hpp>
#include <latch>
#include <nlohmann/json.hpp>
#include <random>
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

namespace {

struct Rights {
  explicit Rights(int fd) {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  [[nodiscard]] int fd() const {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
  }
  char text[32] = "FDSTORE=1\nFDNAME=seccomp";
  iovec part{text, std::strlen(text)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
};

/// Enters, and hands the listener over, but goes on having it.
int enter_with_listener() {
  std::vector<sock_filter> program(BPF_MAXINSNS);
  const ssize_t size = ::pread(std::atoi(variable("HERD_SECCOMP_FD").c_str()), program.data(),
                               program.size() * sizeof program[0], 0);
  const sock_fprog filter{static_cast<unsigned short>(size / static_cast<ssize_t>(sizeof program[0])),
                          program.data()};
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  variable("NOTIFY_SOCKET").copy(address.sun_path, sizeof address.sun_path - 1);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    die("prepare: " + errno_name(errno));
  const int listener = static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
  const Rights rights(listener);
  if (::sendmsg(socket, &rights.message, MSG_NOSIGNAL) < 0) die("send: " + errno_name(errno));
  ::unsetenv("HERD_SECCOMP_FD");
  return listener;
}

int hidden[2];  // a socket pair: the listener waits in it, where no list of files shows it

/// Calls of one thread, for which another one and herdd race.
[[noreturn]] void make_denied_calls() {
  for (;;) ::syscall(SYS_pivot_root, "/herd-no-such-directory", "/");
}

bool has_call(int listener) {
  pollfd call{listener, POLLIN, 0};
  return ::poll(&call, 1, 0) == 1;
}

/// As late as it can, so that herdd has seen the call and is about to receive it.
[[noreturn]] void answer_denied_calls(int listener) {
  constexpr unsigned kStep = 100;  // turns, of a nanosecond or so
  std::minstd_rand random(1);
  for (unsigned patience = kStep;;) {
    while (!has_call(listener)) {
    }
    const unsigned turns = static_cast<unsigned>(random()) % patience + patience / 2;
    for (volatile unsigned i = 0; i < turns;) i = i + 1;
    seccomp_notif request{};
    if (!has_call(listener) || ::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) {
      patience = std::max(patience - kStep, kStep);
      continue;
    }
    patience += kStep;
    wait_for(std::chrono::milliseconds(20));  // herdd may wait now: no other call comes meanwhile
    seccomp_notif_resp answer{};
    answer.id = request.id;
    answer.error = -ENOSYS;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

}  // namespace

/// What no library does: the listener is sent, and kept as well.
void serve_keeping_listener(const Arguments& arguments) {
  enter_with_listener();
  serve(arguments);
}

void serve_hiding_listener(const Arguments& arguments) {
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, hidden) != 0)
    die("socketpair: " + errno_name(errno));
  const int listener = enter_with_listener();
  const Rights rights(listener);
  if (::sendmsg(hidden[0], &rights.message, 0) < 0) die("hide: " + errno_name(errno));
  ::close(listener);
  serve(arguments);
}

void take_own_calls() {
  Rights rights(-1);
  if (::recvmsg(hidden[1], &rights.message, MSG_CMSG_CLOEXEC) < 0) die("find: " + errno_name(errno));
  std::thread(make_denied_calls).detach();
  std::thread([listener = rights.fd()] { answer_denied_calls(listener); }).detach();
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

// From a recording to a pool: a worker is recorded by itself, then serves under its profile.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cstring>

#include "tests/support/daemon_test.hpp"
#include "tests/support/host.hpp"
#include "tests/support/process.hpp"

namespace herd::test {
namespace {

/// The notify socket of a worker that nobody keeps.
class WorkerNotices {
 public:
  explicit WorkerNotices(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  [[nodiscard]] std::string next() const {
    pollfd entry{socket_.get(), POLLIN, 0};
    std::array<char, 256> text{};
    if (::poll(&entry, 1, milliseconds_left(std::chrono::steady_clock::now() + kPatience)) <= 0) return "";
    const ssize_t count = ::recv(socket_.get(), text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }

 private:
  UniqueFd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

class RecordedPool : public DaemonTest {
 protected:
  void record_worker() const {
    // It closes the socket and pauses once it has said that it is ready; nothing tells of that.
    place_.write("pause.json", R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["close", "pause"], "action": "SCMP_ACT_ALLOW"}]})");
    const WorkerNotices notices(place_.path() + "/notify");
    Process process(
        {HERD_TEST_HERDCTL, "seccomp", "record", "--with-exec", "--merge", place_.path() + "/pause.json",
         "--output", profile(), "--", HERD_TEST_TESTEE, "sigterm-default"},
        {{"NOTIFY_SOCKET=" + place_.path() + "/notify"}, {}, place_.path() + "/said"});
    ASSERT_EQ(notices.next(), "READY=1") << text_of(place_.path() + "/said");
    process.signal(SIGTERM);
    ASSERT_EQ(process.wait(kPatience), 0) << text_of(place_.path() + "/said");
  }
  [[nodiscard]] std::string profile() const { return place_.path() + "/worker.json"; }
  void write_pool(const std::string& name, const std::string& behaviour, const std::string& enter) {
    const Json seccomp{{"policy", "kill"}, {"profile", profile()}, {"enter", enter}};
    daemon_.write_pool(name, testee_pool({behaviour}, {{"sandbox", {{"seccomp", seccomp}}}}));
  }
  TemporaryDirectory place_;
};

TEST_F(RecordedPool, AWorkerIsReadyUnderItsOwnProfileAndAnotherIsNot) {
  record_worker();
  write_pool("worker", "sigterm-default", "worker");
  write_pool("exec", "sigterm-default", "exec");
  write_pool("other", "serve", "exec");
  daemon_.start();
  daemon_.wait_until_ready("worker");
  daemon_.wait_until_ready("exec");
  const Json event = daemon_.wait_for({.type = "worker_gone", .pool = "other"});
  EXPECT_EQ(event.at("reason").at("kind"), "denied_syscall") << event;
}

}  // namespace
}  // namespace herd::test

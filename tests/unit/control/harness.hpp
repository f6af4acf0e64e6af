// The control server on a thread of its own, over a socket in a temporary directory, and a client that can
// misbehave.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "daemon/control/server.hpp"
#include "protocol/control/unix_socket.hpp"
#include "tests/unit/control/fake_service.hpp"

namespace herd::control {

inline constexpr std::chrono::seconds kPatience{20};  // a test that waits longer has failed

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = "/tmp/herd-control-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Harness {
 public:
  explicit Harness(Limits limits = {}) : limits_(limits) {
    thread_ = std::thread([this] { io_.run(); });
    start_server();
  }
  ~Harness() {
    end_server();
    work_.reset();
    thread_.join();
  }

  template <typename F>
  auto on_loop(F work) -> decltype(work()) {
    // Shared: the loop may still be leaving it when its result is here already.
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto result = task->get_future();
    boost::asio::post(io_, [task] { (*task)(); });
    return result.get();
  }
  /// Looks again after everything that the loop has to do; false when patience ends.
  template <typename F>
  bool eventually(F condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (on_loop(condition)) return true;
      std::this_thread::yield();
    }
    return false;
  }
  void start_server() {
    on_loop([this] {
      server_ = std::make_unique<Server>(io_, service, limits_,
                                         [this](const std::string& message) { reports.push_back(message); });
      auto listener = bind_unix_socket(path, 0660);
      if (!listener) throw std::runtime_error(listener.error().message);
      if (auto started = server_->start(std::move(*listener)); !started)
        throw std::runtime_error(started.error().message);
    });
  }
  void end_server() {
    on_loop([this] { server_.reset(); });
  }
  /// The server's stop, begun; the future is ready once it is done.
  std::future<void> stop() {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    on_loop([this, done] { server_->stop([done] { done->set_value(); }); });
    return future;
  }

  TemporaryDirectory directory;
  const std::string path = directory / "control.sock";
  FakeService service;
  std::vector<std::string> reports;

 private:
  Limits limits_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// Bytes in, bytes out, over one connection.
class RawClient {
 public:
  explicit RawClient(const std::string& path) {
    auto fd = protocol::connect_unix(path);
    if (!fd) throw std::runtime_error(fd.error().message);
    fd_ = std::move(*fd);
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return;
      if (sent < 0) wait(POLLOUT);
    }
  }
  /// All that comes until `mark` has come, or until the other end closes.
  std::string read_until(std::string_view mark) {
    while (received_.find(mark) == std::string::npos) {
      if (!receive()) break;
    }
    const std::size_t end = received_.find(mark);
    const std::size_t length = end == std::string::npos ? received_.size() : end + mark.size();
    std::string text = received_.substr(0, length);
    received_.erase(0, length);
    return text;
  }
  std::string read_to_end() {
    while (receive()) continue;
    return std::exchange(received_, {});
  }
  /// One answer with a Content-Length: its head and body.
  std::string read_answer() {
    std::string head = read_until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    const std::size_t length = std::stoul(head.substr(at + 16));
    while (received_.size() < length && receive()) continue;
    head += received_.substr(0, length);
    received_.erase(0, std::min(length, received_.size()));
    return head;
  }
  std::string ask(std::string_view method, std::string_view target, std::string_view body = "") {
    send(request(method, target, body));
    return read_answer();
  }
  static std::string request(std::string_view method, std::string_view target, std::string_view body = "") {
    return std::string(method) + " " + std::string(target) +
           " HTTP/1.1\r\nHost: herd\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }
  bool is_answered_within(std::chrono::milliseconds time) {
    pollfd entry{fd_.get(), POLLIN, 0};
    return !received_.empty() || poll(&entry, 1, static_cast<int>(time.count())) > 0;
  }
  void shut_down_sending() { shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

 private:
  void wait(short events) {
    pollfd entry{fd_.get(), events, 0};
    const int milliseconds = static_cast<int>(std::chrono::milliseconds(kPatience).count());
    if (poll(&entry, 1, milliseconds) == 0) throw std::runtime_error("the server says nothing");
  }
  bool receive() {
    char block[16384];
    for (;;) {
      const ssize_t got = recv(fd_.get(), block, sizeof block, 0);
      if (got > 0) received_.append(block, static_cast<std::size_t>(got));
      if (got >= 0) return got > 0;
      if (errno != EAGAIN) return false;
      wait(POLLIN);
    }
  }
  UniqueFd fd_;
  std::string received_;
};

inline unsigned status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(answer.substr(9, 3)));
}
inline Json body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? Json() : Json::parse(answer.substr(end + 4), nullptr, false);
}
inline std::string code_of(const std::string& answer) {
  const Json body = body_of(answer);
  return body.is_object() && body.contains("error") ? body["error"].value("code", "") : "";
}

}  // namespace herd::control

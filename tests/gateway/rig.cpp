#include "tests/gateway/rig.hpp"

#include <poll.h>
#include <unistd.h>

#include <fstream>
#include <span>
#include <stdexcept>

#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"

namespace herd::test {
namespace {

using namespace std::chrono_literals;

constexpr int kHerddPatience = 20'000;
constexpr std::size_t kMaxStatistics = 1U << 20;

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

gateway::Settings web_settings() {
  gateway::Settings settings;
  gateway::Route route;
  route.pool = "web";
  route.hold = 60s;
  settings.routes.push_back(route);
  settings.cookie_key = std::string(64, 'a');
  return settings;
}

Rig::Rig(const gateway::Settings& settings) {
  auto line = must(kernel::seqpacket_pair());
  line_ = std::move(line[0]);
  configure(settings);
  listener_ = listen_tcp(port_);
  send(gateway::AddListener{"tcp:127.0.0.1:" + std::to_string(port_)}, listener_);
  ProcessOptions options;
  options.before_exec = [fd = line[1].get()] {
    if (fd != 3) ::dup2(fd, 3);
  };
  gateway = Process({HERD_TEST_GATEWAY}, options);
}

void Rig::configure(const gateway::Settings& settings) {
  send(gateway::Configure{}, must(kernel::sealed_memfd("settings", to_json(settings))));
}

void Rig::send(const gateway::ToGateway& message, const UniqueFd& fd) {
  const int number = fd.get();
  const auto sent = kernel::send_message(line_.get(), to_json(message),
                                         fd ? std::span<const int>(&number, 1) : std::span<const int>());
  if (!sent) throw std::runtime_error(sent.error().message);
}

bool Rig::has_message(int milliseconds) {
  return message_ || read_message(milliseconds);
}

/// A Report is taken as well; false where none came, or only that.
bool Rig::read_message(int milliseconds) {
  pollfd poller{line_.get(), POLLIN, 0};
  if (poll(&poller, 1, milliseconds) <= 0) return false;
  kernel::Message message = must(kernel::receive_message(line_.get(), false));
  if (message.text.empty()) throw std::runtime_error("the gateway has closed its line");
  message_ = must(gateway::parse_from_gateway(message.text));
  if (!std::holds_alternative<gateway::Report>(*message_)) return true;
  statistics_ =
      must(gateway::parse_statistics(must(kernel::read_memfd(message.fds.at(0).get(), kMaxStatistics))));
  has_report_ = true;
  message_.reset();
  return false;
}

gateway::FromGateway Rig::next() {
  while (!message_) {
    has_report_ = false;
    if (!read_message(kHerddPatience) && !has_report_) throw std::runtime_error("the gateway says nothing");
  }
  const auto message = *message_;
  message_.reset();
  return message;
}

void Rig::grant(const FakeWorker& worker, const std::string& name) {
  const auto acquire = expect<gateway::Acquire>();
  send(gateway::Granted{acquire.request, name, worker.address(), true}, worker.path_fd());
  const auto busy = expect<gateway::Busy>();
  EXPECT_EQ(busy.session, acquire.session);
  EXPECT_EQ(busy.worker, name);
}

void Rig::end_session(const std::string& session, const std::string& reason, const std::string& sentence,
                      const std::string& worker) {
  send(gateway::SessionEnded{"web", session, worker, reason, sentence});
}

std::unique_ptr<FakeWorker> Rig::make_worker() {
  return std::make_unique<FakeWorker>(directory_.path() + "/w" + std::to_string(++workers_));
}

std::uint64_t Rig::resident() const {
  std::ifstream status("/proc/" + std::to_string(gateway.pid()) + "/status");
  for (std::string word; status >> word;) {
    std::uint64_t size = 0;
    if (word == "RssAnon:" && status >> size) return size;
  }
  return 0;
}

std::string request(const std::string& method, const std::string& target, const std::string& fields,
                    const std::string& body) {
  return method + " " + target + " HTTP/1.1\r\nHost: web.test\r\nX-Session-ID: a\r\n" + fields +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
}

std::string answer(const std::string& body, const std::string& fields) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

Rig& GatewayTest::rig() {
  if (!rig_) rig_ = std::make_unique<Rig>(settings);
  return *rig_;
}

void GatewayTest::pin() {
  if (!worker) worker = rig().make_worker();
  client = rig().connect();
  client.send(request());
  rig().grant(*worker);
  upstream = worker->accept();
  upstream.read_head();
  upstream.send(answer("first"));
  ASSERT_TRUE(client.read_message().ends_with("first"));
}

}  // namespace herd::test

// A large body each way: how fast it passes, and that the gateway's memory does not grow with it.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/bench/measure.hpp"
#include "tests/bench/proxied_pool.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

constexpr std::uint64_t kBodySize = std::uint64_t{1} << 30;
constexpr std::size_t kBodyBlock = 256 << 10;

double mib_a_second(Clock::duration took) {
  return static_cast<double>(kBodySize >> 20) / (microseconds(took) / 1e6);
}

/// Nothing of the body is copied to this program: MSG_TRUNC throws it away in the kernel (tcp(7)).
Result<double> download(const Proxy& proxy, const std::string& session) {
  HERD_TRY(Client client, Client::connect(proxy.port));
  const auto begin = Clock::now();
  HERD_CHECK(client.send(session_request("GET", "/bytes?" + std::to_string(kBodySize), session)));
  std::string head;
  std::size_t end = 0;
  while ((end = head.find("\r\n\r\n")) == std::string::npos) {
    HERD_TRY(const std::string more, client.read_some(std::chrono::seconds(30)));
    head += more;
  }
  if (!head.starts_with("HTTP/1.1 200 ")) return fail(proxy.name + " answered " + head);
  for (std::uint64_t got = head.size() - end - 4; got < kBodySize;) {
    const ssize_t count = recv(client.fd(), nullptr, kBodyBlock, MSG_TRUNC);
    if (count <= 0) return fail_errno(proxy.name + ": read the body", count < 0 ? errno : ECONNRESET);
    got += static_cast<std::uint64_t>(count);
  }
  return mib_a_second(Clock::now() - begin);
}

Result<double> upload(const Proxy& proxy, const std::string& session) {
  static const std::string block(kBodyBlock, '\0');
  HERD_TRY(Client client, Client::connect(proxy.port));
  const auto begin = Clock::now();
  HERD_CHECK(client.send(
      session_request("POST", "/", session, "Content-Length: " + std::to_string(kBodySize) + "\r\n")));
  for (std::uint64_t sent = 0; sent < kBodySize; sent += kBodyBlock) HERD_CHECK(client.send(block));
  HERD_TRY(const Answer answer, client.receive());
  if (answer.body != std::to_string(kBodySize) + "\n") return fail(proxy.name + " answered " + answer.body);
  return mib_a_second(Clock::now() - begin);
}

struct Moved {
  std::vector<double> down, up;  // MiB a second
};

Row row_of_body(const std::string& what, const std::vector<double>& herd, const std::vector<double>& peer) {
  return {what,
          "MiB/s",
          median(herd),
          median(peer),
          "HAProxy",
          0.9,
          {{"herd", summary(herd)}, {"peer", summary(peer)}},
          Goal::at_least};
}

}  // namespace

Result<std::vector<Row>> measure_gateway_bodies(const Run& run) {
  HERD_TRY(const ProxiedPool pool, ProxiedPool::start(run.place, "gateway-bodies", 1));
  HERD_TRY(const Peer haproxy, Peer::start_haproxy(run.place, pool.backend()));
  const std::array proxies{pool.proxy(), haproxy.proxy()};
  const std::string& session = pool.sessions().front().name;
  std::array<Moved, proxies.size()> moved;
  for (int i = 1; i <= run.count; ++i) {
    for (std::size_t k = 0; k < proxies.size(); ++k) {
      HERD_TRY(const double down, download(proxies[k], session));
      HERD_TRY(const double up, upload(proxies[k], session));
      moved[k].down.push_back(down);
      moved[k].up.push_back(up);
    }
    run.progress(i);
  }
  std::array<double, proxies.size()> largest{};
  for (std::size_t k = 0; k < proxies.size(); ++k) {
    HERD_TRY(const auto kib, kib_of(proxies[k].pid, "status", "VmHWM"));
    largest[k] = static_cast<double>(kib) / 1024;
  }
  return std::vector{row_of_body("gateway: a body of 1 GiB to the client", moved[0].down, moved[1].down),
                     row_of_body("gateway: a body of 1 GiB to the worker", moved[0].up, moved[1].up),
                     Row{"gateway: its memory at most (RSS)",
                         "MiB",
                         largest[0],
                         largest[1],
                         "HAProxy",
                         32,
                         {},
                         Goal::own_at_most}};
}

}  // namespace herd::bench

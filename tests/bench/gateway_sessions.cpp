// Many sessions, a worker and a client connection each, with requests of several sizes.
#include <poll.h>

#include <array>
#include <random>

#include "tests/bench/measure.hpp"
#include "tests/bench/proxied_pool.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

constexpr int kSessionsAtOnce = 200;
constexpr std::size_t kAtOnce = 16;
constexpr int kRequestsOfATurn = 1000;
constexpr std::size_t kUpload = 64 << 10;

/// Of twenty requests sixteen are small, three answered with 16 KiB, and one has 64 KiB of body.
std::string request_of(const std::string& session, unsigned kind) {
  if (kind < 16) return session_request("GET", "/", session);
  if (kind < 19) return session_request("GET", "/bytes?16384", session);
  return session_request("POST", "/", session, "Content-Length: " + std::to_string(kUpload) + "\r\n") +
         std::string(kUpload, 'x');
}

/// The clients of one proxy.
class Crowd {
 public:
  static Result<Crowd> connect(const Proxy& proxy, const std::vector<ProxiedSession>& sessions) {
    Crowd crowd;
    for (const ProxiedSession& session : sessions) {
      HERD_TRY(Client client, Client::connect(proxy.port));
      crowd.idle_.push_back({std::move(client), session.name, {}});
    }
    return crowd;
  }

  /// Microseconds of each. As many as kAtOnce are open all the time.
  Result<std::vector<double>> request(int count) {
    std::vector<double> took;
    int begun = 0;
    for (; begun < static_cast<int>(kAtOnce); ++begun) HERD_CHECK(begin_one());
    for (int done = 0; done < count;) {
      std::vector<pollfd> entries;
      for (const Caller& caller : busy_) entries.push_back({caller.client.fd(), POLLIN, 0});
      if (poll(entries.data(), entries.size(), -1) < 0) return fail_errno("poll");
      for (std::size_t i = entries.size(); i-- > 0;) {
        if (entries[i].revents == 0) continue;
        HERD_CHECK(finish(i, took));
        ++done;
        if (begun++ < count) HERD_CHECK(begin_one());
      }
    }
    return took;
  }

 private:
  struct Caller {
    Client client;
    std::string session;
    Clock::time_point begun;
  };

  Status begin_one() {
    std::swap(idle_[random_() % idle_.size()], idle_.back());
    busy_.push_back(std::move(idle_.back()));
    idle_.pop_back();
    Caller& caller = busy_.back();
    const std::string request = request_of(caller.session, random_() % 20);
    caller.begun = Clock::now();
    return caller.client.send(request);
  }

  Status finish(std::size_t at, std::vector<double>& took) {
    Caller& caller = busy_[at];
    HERD_TRY(const Answer answer, caller.client.receive());
    if (answer.status != 200) return fail("answered " + std::to_string(answer.status) + " " + answer.body);
    took.push_back(microseconds(Clock::now() - caller.begun));
    idle_.push_back(std::move(caller));
    busy_.erase(busy_.begin() + static_cast<std::ptrdiff_t>(at));
    return {};
  }

  std::vector<Caller> idle_, busy_;
  std::minstd_rand random_{1};  // the same requests in the same order for each proxy
};

Row row_of_turns(const std::string& what, const std::vector<double>& herd, const std::vector<double>& peer) {
  return {what,
          "us",
          median(herd),
          median(peer),
          "HAProxy",
          {},
          {{"herd", summary(herd)}, {"peer", summary(peer)}}};
}

}  // namespace

Result<std::vector<Row>> measure_gateway_sessions(const Run& run) {
  HERD_TRY(const ProxiedPool pool, ProxiedPool::start(run.place, "gateway-sessions", kSessionsAtOnce));
  HERD_TRY(const Peer haproxy, Peer::start_haproxy(run.place, pool.backend()));
  HERD_TRY(Crowd of_herd, Crowd::connect(pool.proxy(), pool.sessions()));
  HERD_TRY(Crowd of_peer, Crowd::connect(haproxy.proxy(), pool.sessions()));
  Turns herd, peer;
  for (int i = 0; i <= run.count; ++i) {  // the first only warms up
    HERD_TRY(std::vector<double> ours, of_herd.request(kRequestsOfATurn));
    HERD_TRY(std::vector<double> theirs, of_peer.request(kRequestsOfATurn));
    if (i > 0) {
      herd.add(ours);
      peer.add(theirs);
    }
    run.progress(i);
  }
  return std::vector{
      row_of_turns("gateway: 200 sessions, mixed requests, median", herd.medians, peer.medians),
      row_of_turns("gateway: 200 sessions, mixed requests, 99 of 100", herd.slowest, peer.slowest)};
}

}  // namespace herd::bench

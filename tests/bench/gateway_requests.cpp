// How many requests a second pass the gateway, and what one takes, held against other proxies.
#include <array>

#include "tests/bench/measure.hpp"
#include "tests/bench/one_processor.hpp"
#include "tests/bench/proxied_pool.hpp"
#include "tests/bench/round_trips.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/bench/wrk.hpp"

namespace herd::bench {
namespace {

constexpr int kConnections = 32;
constexpr int kSeconds = 1;
constexpr int kRoundTripsInARow = 200;

struct Loaded {
  std::vector<double> rate, processor_us;  // of each round: requests a second; the proxy's time for each
};

Status load_with_wrk(const Proxy& proxy, const std::string& session, Loaded* loaded) {
  HERD_TRY(const auto before, cpu_time_of(proxy.pid));
  const auto load = run_wrk(proxy.port, session, kConnections, kSeconds);
  if (!load) return fail_in(proxy.name, load.error());
  HERD_TRY(const auto after, cpu_time_of(proxy.pid));
  if (loaded == nullptr) return {};
  loaded->rate.push_back(load->requests_a_second);
  loaded->processor_us.push_back(microseconds(after - before) / static_cast<double>(load->requests));
  return {};
}

Row row_against(const std::string& what, const std::string& unit, const std::vector<double>& herd,
                const std::vector<double>& peer, const std::string& peer_name) {
  return {what,
          unit,
          median(herd),
          median(peer),
          peer_name,
          {},
          {{"herd", summary(herd)}, {"peer", summary(peer)}}};
}

/// herd-gateway, HAProxy and nginx in front of one worker.
struct Proxies {
  ProxiedPool pool;
  Peer haproxy, nginx;

  static Result<Proxies> start(const Place& place, const std::string& name) {
    HERD_TRY(ProxiedPool pool, ProxiedPool::start(place, name, 1));
    HERD_TRY(Peer haproxy, Peer::start_haproxy(place, pool.backend()));
    HERD_TRY(Peer nginx, Peer::start_nginx(place, pool.backend()));
    return Proxies{std::move(pool), std::move(haproxy), std::move(nginx)};
  }
  [[nodiscard]] std::array<Proxy, 3> all() const { return {pool.proxy(), haproxy.proxy(), nginx.proxy()}; }
  [[nodiscard]] const ProxiedSession& session() const { return pool.sessions().front(); }
};

}  // namespace

Result<std::vector<Row>> measure_gateway_requests(const Run& run) {
  HERD_TRY(const Proxies proxies, Proxies::start(run.place, "gateway-requests"));
  const auto all = proxies.all();
  std::array<Loaded, all.size()> loaded;
  for (int i = 0; i <= run.count; ++i) {
    for (std::size_t k = 0; k < all.size(); ++k)  // the first round only warms up
      HERD_CHECK(load_with_wrk(all[k], proxies.session().name, i > 0 ? &loaded[k] : nullptr));
    run.progress(i);
  }
  const auto& [herd, haproxy, nginx] = loaded;
  std::vector rows{
      row_against("gateway: requests a second, 32 connections", "1/s", herd.rate, haproxy.rate, all[1].name),
      row_against("gateway: requests a second, 32 connections", "1/s", herd.rate, nginx.rate, all[2].name),
      row_against("gateway: its processor time for each", "us", herd.processor_us, haproxy.processor_us,
                  all[1].name),
      row_against("gateway: its processor time for each", "us", herd.processor_us, nginx.processor_us,
                  all[2].name)};
  rows.front().target = 1.0;
  rows.front().goal = Goal::at_least;
  return rows;
}

Result<std::vector<Row>> measure_gateway_latency(const Run& run) {
  HERD_TRY(const Proxies proxies, Proxies::start(run.place, "gateway-latency"));
  const auto all = proxies.all();
  const std::string request = session_request("GET", "/", proxies.session().name);
  std::vector<Caller> callers;
  for (const Proxy& proxy : all) {
    HERD_TRY(Client client, Client::connect(proxy.port));
    callers.push_back({std::move(client), request});
  }
  HERD_TRY(const OneProcessor held,
           OneProcessor::hold({proxies.session().worker, all[0].pid, all[1].pid, all[2].pid}));
  std::array<Turns, all.size()> turns;
  for (int i = 0; i <= run.count; ++i) {
    for (std::size_t k = 0; k < all.size(); ++k) {
      std::vector<double> took;
      HERD_CHECK(callers[k].round_trips(kRoundTripsInARow, &took));
      if (i > 0) turns[k].add(took);
    }
    run.progress(i);
  }
  std::vector<Row> rows;
  for (std::size_t k = 1; k < all.size(); ++k) {
    rows.push_back(row_against("gateway: one connection, median", "us", turns[0].medians, turns[k].medians,
                               all[k].name));
    rows.push_back(row_against("gateway: one connection, 99 of 100", "us", turns[0].slowest, turns[k].slowest,
                               all[k].name));
  }
  rows[0].target = rows[1].target = 1.1;
  return rows;
}

}  // namespace herd::bench

// GET /metrics, in Prometheus' text format.
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "daemon/herdd/daemon.hpp"

namespace herd::daemon {
namespace {

/// A registry for one scrape: the pools' own counters are the truth, so nothing is counted twice.
class Scrape {
 public:
  void gauge(const char* name, const char* help, const prometheus::Labels& labels, double value) {
    prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels).Set(value);
  }
  void counter(const char* name, const char* help, const prometheus::Labels& labels, std::uint64_t value) {
    prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels).Increment(
        static_cast<double>(value));
  }
  void latency(const char* name, const char* help, const prometheus::Labels& labels,
               const gateway::PoolStatistics& pool) {
    const prometheus::Histogram::BucketBoundaries bounds(gateway::kLatencyBounds.begin(),
                                                         gateway::kLatencyBounds.end());
    prometheus::BuildHistogram()
        .Name(name)
        .Help(help)
        .Register(registry_)
        .Add(labels, bounds)
        .ObserveMultiple({pool.latency.begin(), pool.latency.end()}, pool.latency_seconds);
  }
  [[nodiscard]] std::string text() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

void describe_pool(Scrape& scrape, const std::string& name, const pool::View& view,
                   const DenialCounters& denials) {
  const auto workers = [&](const char* state, int count) {
    scrape.gauge("herd_workers", "Workers by state.", {{"pool", name}, {"state", state}}, count);
  };
  workers("starting", view.starting);
  workers("idle", view.idle);
  workers("bound", view.bound);
  workers("stopping", view.stopping);
  const prometheus::Labels labels{{"pool", name}};
  scrape.gauge("herd_pool_failed", "1 while the pool has given up to start workers.", labels,
               view.state == pool::PoolState::failed);
  scrape.gauge("herd_acquires_queued", "Acquires that wait for a worker.", labels, view.queued);
  const pool::Counters& counters = view.counters;
  scrape.counter("herd_workers_started_total", "Workers started.", labels, counters.started);
  scrape.counter("herd_workers_gone_total", "Workers that are gone, whatever the reason.", labels,
                 counters.gone);
  scrape.counter("herd_workers_crashed_total", "Workers that ended without having been asked to.", labels,
                 counters.crashed);
  scrape.counter("herd_workers_oom_killed_total", "Workers that the kernel ended for want of memory.", labels,
                 counters.oom_killed);
  scrape.counter("herd_sessions_total", "Sessions begun.", labels, counters.sessions);
  scrape.counter("herd_acquires_total", "Acquires asked for.", labels, counters.acquires);
  scrape.counter("herd_acquire_hits_total", "Acquires of a session that was there.", labels, counters.hits);
  scrape.counter("herd_acquires_denied_total", "Acquires denied.", labels, counters.denied);
  scrape.counter("herd_syscalls_denied_total", "Calls of workers that their filter denied.", labels,
                 denials.calls);
  scrape.counter("herd_workers_held_back_total", "Times that a worker was frozen for too many denied calls.",
                 labels, denials.holds);
}

void describe_routes(Scrape& scrape, const std::string& gateway,
                     const std::map<std::string, gateway::PoolStatistics>& pools) {
  for (const auto& [name, pool] : pools) {
    const prometheus::Labels labels{{"gateway", gateway}, {"pool", name}};
    for (const auto& [status, count] : pool.answers) {
      prometheus::Labels with_code = labels;
      with_code["code"] = std::to_string(status);
      scrape.counter("herd_gateway_requests_total", "Requests answered.", with_code, count);
    }
    scrape.latency("herd_gateway_request_seconds", "From a request's head to its answer's end.", labels,
                   pool);
    scrape.counter("herd_gateway_received_bytes_total", "Bodies and tunnels, from clients.", labels,
                   pool.bytes_in);
    scrape.counter("herd_gateway_sent_bytes_total", "Bodies and tunnels, to clients.", labels,
                   pool.bytes_out);
    scrape.counter("herd_gateway_connects_total", "Connections to workers.", labels, pool.connects);
    scrape.counter("herd_gateway_failed_connects_total", "Connections to workers that failed.", labels,
                   pool.failed_connects);
    scrape.counter("herd_gateway_retries_total", "Requests sent to a worker again.", labels, pool.retries);
    scrape.gauge("herd_gateway_tunnels", "WebSockets and the like that are open.", labels,
                 static_cast<double>(pool.tunnels));
  }
}

void describe_gateway(Scrape& scrape, const std::string& worker, const gateway::Statistics& statistics) {
  const prometheus::Labels labels{{"gateway", worker}};
  scrape.counter("herd_gateway_accepted_total", "Connections of clients accepted.", labels,
                 statistics.accepted);
  scrape.gauge("herd_gateway_connections", "Connections of clients that are open.", labels,
               static_cast<double>(statistics.connections));
  for (const auto& [limit, count] : statistics.limited)
    scrape.counter("herd_gateway_limited_total", "What a limit has ended or refused.",
                   {{"gateway", worker}, {"limit", limit}}, count);
  describe_routes(scrape, worker, statistics.pools);
}

}  // namespace

std::string Daemon::metrics() const {
  Scrape scrape;
  scrape.gauge("herd_up", "1 while the daemon answers.", {{"version", HERD_VERSION}}, 1);
  scrape.counter("herd_events_total", "Events recorded.", {}, events_.last());
  const denials::Visibility denials = denials_.visibility();
  scrape.gauge("herd_denials_seen", "1 where denied calls can be seen.", {}, denials.seen == true ? 1 : 0);
  scrape.counter("herd_denial_records_lost_total", "Audit records that came faster than they were read.", {},
                 denials.lost);
  scrape.counter("herd_denial_records_of_others_total",
                 "Audit records of denied calls of no worker of herd's.", {}, denials.of_others);
  for (const auto& [name, driver] : drivers_)
    describe_pool(scrape, name, driver->pool().view(), driver->denial_counters());
  scrape.gauge("herd_gateway_ready", "1 while a gateway serves, or none is configured.", {},
               gateway_.is_ready() ? 1 : 0);
  for (const auto& [worker, statistics] : gateway_.statistics()) describe_gateway(scrape, worker, statistics);
  return scrape.text();
}

}  // namespace herd::daemon

// How fast the daemon gets ten HTTP workers ready, and a hundred sessions that all come at once.
#include <poll.h>

#include "tests/bench/herdd.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kWorkers = 10;
constexpr int kSessions = 100;
constexpr auto kLongest = 60s;

/// Stops all workers and is as at the start: none wanted.
Status empty_pool(Client& client, Events& events) {
  HERD_CHECK(client.expect_success("POST", "/v1/pools/ten/scale", R"({"min":0})"));
  HERD_CHECK(client.expect_success("POST", "/v1/pools/ten/drain"));
  HERD_CHECK(events.wait_for("worker_gone", kWorkers, kLongest));
  HERD_CHECK(client.expect_success("POST", "/v1/pools/ten/resume"));
  return {};
}

std::string session_name(int run, int number) {
  return "s-" + std::to_string(run) + "-" + std::to_string(number);
}

/// Sends one acquire on each connection, then reads each answer as it comes. Milliseconds until the last.
Result<double> acquire_at_once(std::vector<Client>& clients, int run) {
  std::vector<std::string> requests;
  for (int i = 0; i < kSessions; ++i)
    requests.push_back(
        request_text("POST", "/v1/pools/burst/sessions", R"({"session":")" + session_name(run, i) + R"("})"));
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < clients.size(); ++i) HERD_CHECK(clients[i].send(requests[i]));
  for (Client& client : clients) {
    HERD_TRY(const Answer answer, client.receive(kLongest));
    if (answer.status != 201) return fail("acquire: " + std::to_string(answer.status) + " " + answer.body);
  }
  return milliseconds(Clock::now() - begin);
}

Status release_all(Client& client, Events& events, int run) {
  for (int i = 0; i < kSessions; ++i)
    HERD_CHECK(client.expect_success("DELETE", "/v1/pools/burst/sessions/" + session_name(run, i)));
  return events.wait_for("worker_gone", kSessions, kLongest);
}

/// Milliseconds since the order at which each worker was ready.
Result<std::vector<double>> ready_times(Events& events, Clock::time_point begin, int count) {
  std::vector<double> times;
  while (static_cast<int>(times.size()) < count) {
    HERD_TRY(const nlohmann::json event, events.next(kLongest));
    if (event.at("type") == "worker_ready") times.push_back(milliseconds(Clock::now() - begin));
    if (event.at("type") == "worker_gone") return fail("a worker did not start: " + event.dump());
  }
  return times;
}

}  // namespace

/// Opaque programs with the filter from exec on, so that nothing but herd's own work is in the figure.
Result<std::vector<Row>> measure_two_hundred(const Run& run) {
  constexpr int kMany = 200;
  const Pools pools{{"many",
                     {{"command", {run.place.tiny_worker()}},
                      {"workers", {{"min", 0}, {"max", kMany}, {"spare", 0}, {"start_concurrency", kMany}}},
                      {"ready", {{"started", true}}},
                      {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}}}};
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "many", pools));
  HERD_TRY(Client client, Client::connect(daemon.socket()));
  HERD_TRY(Events events, Events::follow(daemon.socket()));
  std::vector<double> rates, slowest;
  for (int i = 0; i <= run.count; ++i) {
    const auto begin = Clock::now();
    HERD_CHECK(client.expect_success("POST", "/v1/pools/many/scale", R"({"min":200})"));
    HERD_TRY(std::vector<double> times, ready_times(events, begin, kMany));
    if (i > 0) {
      rates.push_back(kMany * 1000.0 / times.back());
      slowest.push_back(times[kMany * 99 / 100 - 1]);
    }
    HERD_CHECK(client.expect_success("POST", "/v1/pools/many/scale", R"({"min":0})"));
    HERD_CHECK(client.expect_success("POST", "/v1/pools/many/drain"));
    HERD_CHECK(events.wait_for("worker_gone", kMany, kLongest));
    HERD_CHECK(client.expect_success("POST", "/v1/pools/many/resume"));
    run.progress(i);
  }
  return std::vector{
      Row{"200 workers at once: verified a second", "1/s", median(rates), {}, "", {}, summary(rates)},
      Row{"200 workers at once: 99 of 100 verified after",
          "ms",
          median(slowest),
          {},
          "",
          {},
          summary(slowest)}};
}

Result<std::vector<Row>> measure_ten_workers(const Run& run) {
  const Pools pools{
      {"ten",
       {{"command", {run.place.echo_worker()}}, {"workers", {{"min", 0}, {"max", kWorkers}, {"spare", 0}}}}}};
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "ten", pools));
  HERD_TRY(Client client, Client::connect(daemon.socket()));
  HERD_TRY(Events events, Events::follow(daemon.socket()));
  const std::string scale = R"({"min":)" + std::to_string(kWorkers) + "}";
  std::vector<double> took;
  for (int i = 0; i <= run.count; ++i) {
    const auto begin = Clock::now();
    HERD_CHECK(client.expect_success("POST", "/v1/pools/ten/scale", scale));
    HERD_CHECK(events.wait_for("worker_ready", kWorkers, kLongest));
    if (i > 0) took.push_back(milliseconds(Clock::now() - begin));  // the first warms the page cache
    HERD_CHECK(empty_pool(client, events));
    run.progress(i);
  }
  return std::vector{
      Row{"ten HTTP workers until all are verified", "ms", median(took), {}, "", 60, summary(took)}};
}

Result<std::vector<Row>> measure_burst(const Run& run) {
  const Pools pools{{"burst",
                     {{"command", {run.place.echo_worker()}},
                      {"workers", {{"min", 0}, {"max", kSessions}, {"spare", 0}}}}}};
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "burst", pools));
  HERD_TRY(Client client, Client::connect(daemon.socket()));
  HERD_TRY(Events events, Events::follow(daemon.socket()));
  std::vector<Client> clients;
  for (int i = 0; i < kSessions; ++i) {
    HERD_TRY(Client one, Client::connect(daemon.socket()));
    clients.push_back(std::move(one));
  }
  std::vector<double> took;
  for (int i = 0; i < run.count; ++i) {
    HERD_TRY(const double last, acquire_at_once(clients, i));
    took.push_back(last);
    HERD_CHECK(release_all(client, events, i));
    run.progress(i + 1);
  }
  return std::vector{
      Row{"100 new sessions at once, all answered", "ms", median(took), {}, "", 1000, summary(took)}};
}

}  // namespace herd::bench

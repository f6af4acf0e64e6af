// How long after a denied call the event that tells of it is with a client.
#include "tests/bench/herdd.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongestWait = 30s;
constexpr auto kPause = 300ms;  // herdd takes ten reports a second, and a worker's end makes one, too

struct Told {
  std::string worker;
  Clock::time_point at;
};

Result<Told> wait_for_denial(Events& events) {
  while (true) {
    HERD_TRY(const nlohmann::json event, events.next(kLongestWait));
    if (event.at("type") == "seccomp_denied")
      return Told{event.at("worker").get<std::string>(), Clock::now()};
    if (event.at("type") == "worker_gone") return fail("the worker ended: " + event.dump());
  }
}

/// The worker's own word of when it made the call: its only line of output.
Result<Clock::time_point> time_of_call(const Herdd& daemon, const std::string& worker) {
  HERD_TRY(Client client, Client::connect(daemon.socket()));
  HERD_CHECK(client.send(request_text("GET", "/v1/workers/" + worker + "/logs?since=0&follow=1")));
  const std::string_view key = "\"text\":\"";
  std::string text;
  while (true) {
    HERD_TRY(const std::string more, client.read_some(kLongestWait));
    if (more.empty()) return fail("the worker did not say when it made its call");
    text += more;
    const std::size_t at = text.find(key);
    const bool is_whole = at != std::string::npos && text.find('"', at + key.size()) != std::string::npos;
    if (is_whole)
      return Clock::time_point(std::chrono::nanoseconds(std::atoll(text.c_str() + at + key.size())));
  }
}

}  // namespace

/// A worker for each, as the first call of a kind is told at once and the others are summed.
Result<std::vector<Row>> measure_denials(const Run& run) {
  const Pools pools{{"denied",
                     {{"command", {run.place.tiny_worker(), "deny"}},
                      {"workers", {{"min", 0}, {"max", 1}, {"spare", 0}}},
                      {"ready", {{"started", true}}},
                      {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}}}};
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "denied", pools));
  HERD_TRY(Client client, Client::connect(daemon.socket()));
  HERD_TRY(Events events, Events::follow(daemon.socket()));
  std::vector<double> took;
  for (int i = 0; i <= run.count; ++i) {
    HERD_CHECK(client.expect_success("POST", "/v1/pools/denied/scale", R"({"min":1})"));
    HERD_TRY(const Told told, wait_for_denial(events));
    HERD_TRY(const auto called, time_of_call(daemon, told.worker));
    if (i > 0) took.push_back(milliseconds(told.at - called));
    HERD_CHECK(client.expect_success("POST", "/v1/pools/denied/scale", R"({"min":0})"));
    HERD_CHECK(client.expect_success("POST", "/v1/pools/denied/drain"));
    HERD_CHECK(events.wait_for("worker_gone", 1, kLongestWait));
    HERD_CHECK(client.expect_success("POST", "/v1/pools/denied/resume"));
    wait_readable(-1, kPause);
    run.progress(i);
  }
  return std::vector{
      Row{"from a denied call to its event: median", "ms", median(took), {}, "", {}, summary(took)},
      Row{"from a denied call to its event: 99 of 100",
          "ms",
          percentile(took, 0.99),
          {},
          "",
          {},
          summary(took)}};
}

}  // namespace herd::bench

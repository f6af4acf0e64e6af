// How long the first request of a new session takes where no worker is there yet.
#include "tests/bench/measure.hpp"
#include "tests/bench/proxied_pool.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {

Result<std::vector<Row>> measure_gateway_new_session(const Run& run) {
  const nlohmann::json cold{{"command", {run.place.echo_worker()}},
                            {"workers", {{"min", 0}, {"max", 2}, {"spare", 0}}},
                            {"ready", nullptr},
                            {"sandbox", nullptr}};
  HERD_TRY(const ProxiedPool pool, ProxiedPool::start(run.place, "gateway-new-session", 0, cold));
  HERD_TRY(Client control, Client::connect(pool.daemon().socket()));
  HERD_TRY(Events events, Events::follow(pool.daemon().socket()));
  HERD_TRY(Client client, Client::connect(pool.proxy().port));
  std::vector<double> took;
  for (int i = 0; i <= run.count; ++i) {
    const std::string session = "new-" + std::to_string(i);
    const auto begin = Clock::now();
    HERD_CHECK(client.send(session_request("GET", "/", session)));
    HERD_TRY(const Answer answer, client.receive());
    if (answer.status != 200) return fail("answered " + std::to_string(answer.status) + " " + answer.body);
    if (i > 0) took.push_back(milliseconds(Clock::now() - begin));  // the first warms the page cache
    HERD_CHECK(control.expect_success("DELETE", "/v1/pools/web/sessions/" + session));
    HERD_CHECK(events.wait_for("worker_gone", 1, std::chrono::seconds(30)));
    run.progress(i);
  }
  return std::vector{
      Row{"gateway: first request of a new session", "ms", median(took), {}, "", 10, summary(took)}};
}

}  // namespace herd::bench

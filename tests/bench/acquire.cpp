// What it costs to find a session's worker again, over the control socket, held against HTTP itself.
#include "tests/bench/bare_server.hpp"
#include "tests/bench/herdd.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/one_processor.hpp"
#include "tests/bench/round_trips.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

constexpr int kRequestsInARow = 200;

}  // namespace

Result<std::vector<Row>> measure_acquire(const Run& run) {
  const Pools pools{{"web", {{"command", {run.place.echo_worker()}}, {"workers", {{"min", 0}, {"max", 1}}}}}};
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "acquire", pools));
  const std::string request = request_text("POST", "/v1/pools/web/sessions", R"({"session":"pinned"})");
  HERD_TRY(Client to_herd, Client::connect(daemon.socket()));
  HERD_CHECK(to_herd.expect_success("POST", "/v1/pools/web/sessions", R"({"session":"pinned"})"));
  HERD_TRY(const Answer pinned,
           to_herd.expect_success("POST", "/v1/pools/web/sessions", R"({"session":"pinned"})"));

  const std::string bare_socket = run.place.path() + "/bare.sock";
  HERD_TRY(const Child bare, start_bare_server(bare_socket, pinned.body));
  HERD_TRY(Client to_bare, Client::connect(bare_socket));

  HERD_TRY(const OneProcessor held, OneProcessor::hold({daemon.pid(), bare.pid()}));
  Caller herd{std::move(to_herd), request}, peer{std::move(to_bare), request};
  std::vector<double> of_herd, of_peer;
  HERD_CHECK(herd.round_trips(kRequestsInARow, nullptr));
  HERD_CHECK(peer.round_trips(kRequestsInARow, nullptr));
  for (int i = 1; i <= run.count; ++i) {
    HERD_CHECK(herd.round_trips(kRequestsInARow, &of_herd));
    HERD_CHECK(peer.round_trips(kRequestsInARow, &of_peer));
    run.progress(i);
  }
  return std::vector{
      Row{"acquire of a pinned session",
          "us",
          median(of_herd),
          median(of_peer),
          "bare HTTP",
          2,
          {{"herd", summary(of_herd)}, {"peer", summary(of_peer)}, {"answer_bytes", pinned.body.size()}}}};
}

}  // namespace herd::bench

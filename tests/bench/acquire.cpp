// What it costs to find a session's worker again, over the control socket, held against HTTP itself.
#include <sched.h>

#include <initializer_list>

#include "tests/bench/bare_server.hpp"
#include "tests/bench/herdd.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

constexpr int kRequestsInARow = 200;

/// A keep-alive connection and the one request that it repeats.
struct Caller {
  Client client;
  std::string request;

  Status round_trips(int count, std::vector<double>* took) {
    for (int i = 0; i < count; ++i) {
      const auto begin = Clock::now();
      HERD_CHECK(client.send(request));
      HERD_TRY(const Answer answer, client.receive());
      if (answer.status != 200) return fail("answered " + std::to_string(answer.status) + " " + answer.body);
      if (took != nullptr) took->push_back(microseconds(Clock::now() - begin));
    }
    return {};
  }
};

/// Keeps the client and both servers on one processor: where they are on two, the time to wake the other one,
/// which is several times that of the work, comes and goes with the scheduler's choice.
class OneProcessor {
 public:
  static Result<OneProcessor> hold(std::initializer_list<pid_t> servers) {
    OneProcessor held;
    if (sched_getaffinity(0, sizeof held.before_, &held.before_) != 0) return fail_errno("sched_getaffinity");
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    for (const pid_t pid : servers)
      if (sched_setaffinity(pid, sizeof one, &one) != 0) return fail_errno("sched_setaffinity");
    if (sched_setaffinity(0, sizeof one, &one) != 0) return fail_errno("sched_setaffinity");
    return held;
  }
  ~OneProcessor() { sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

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

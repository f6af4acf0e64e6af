// How long a default sandbox takes until the worker's main, and whether the daemon's size matters.
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/bench/measure.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/starter.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBallast = 512UL << 20;

/// Memory as a daemon that has grown has it: touched, in small pages, so that a fork would have to copy its
/// tables.
Status take_ballast() {
  void* memory = mmap(nullptr, kBallast, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("map the ballast");
  madvise(memory, kBallast, MADV_NOHUGEPAGE);
  auto* bytes = static_cast<volatile char*>(memory);
  for (std::size_t at = 0; at < kBallast; at += 4096) bytes[at] = 1;
  return {};
}

/// A process of its own that starts a worker for each byte that it gets and answers with the time it took.
class Lane {
 public:
  static Result<Lane> make(const Place& place, bool has_ballast) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
    UniqueFd ours(ends[0]), theirs(ends[1]);
    HERD_TRY(Child child, Child::fork_off([&] {
               ours.reset();
               if (auto served = serve(place, has_ballast, theirs.get()); !served)
                 std::fprintf(stderr, "herd_bench: %s\n", served.error().message.c_str());
             }));
    return Lane(std::move(ours), std::move(child));
  }

  Result<double> start_once() {
    double took = 0;
    if (send(line_.get(), "s", 1, MSG_NOSIGNAL) != 1) return fail_errno("ask for a start");
    if (recv(line_.get(), &took, sizeof took, 0) != sizeof took)
      return fail("the starting process has ended");
    return took;
  }
  Lane(Lane&&) = default;
  Lane& operator=(Lane&&) = delete;
  ~Lane() {
    line_.reset();  // it clears away its cgroups and exits
    while (child_.is_running()) wait_readable(-1, 5ms);
  }

 private:
  Lane(UniqueFd line, Child child) : line_(std::move(line)), child_(std::move(child)) {}

  static Status serve(const Place& place, bool has_ballast, int line) {
    if (has_ballast) HERD_CHECK(take_ballast());
    HERD_TRY(const auto starter, HerdStarter::make(place));
    char order = 0;
    while (recv(line, &order, 1, 0) == 1) {
      HERD_TRY(const double took, starter->start_once());
      if (send(line, &took, sizeof took, MSG_NOSIGNAL) != sizeof took) return fail_errno("tell the time");
    }
    return {};
  }

  UniqueFd line_;
  Child child_;
};

struct Pair {
  std::vector<double> herd, peer;
};

/// A B A B, so that what drifts on the machine drifts for both; the first of each only warms up.
template <typename Herd, typename Peer>
Result<Pair> interleave(const Run& run, Herd&& herd, Peer&& peer) {
  Pair pair;
  for (int i = 0; i <= run.count; ++i) {
    HERD_TRY(const double ours, herd());
    HERD_TRY(const double theirs, peer());
    run.progress(i);
    if (i == 0) continue;
    pair.herd.push_back(ours);
    pair.peer.push_back(theirs);
  }
  return pair;
}

Row row_of(const char* what, const Pair& pair, const char* peer_name, double target) {
  return Row{what,
             "us",
             median(pair.herd),
             median(pair.peer),
             peer_name,
             target,
             {{"herd", summary(pair.herd)}, {"peer", summary(pair.peer)}}};
}

}  // namespace

Result<std::vector<Row>> measure_sandbox_start(const Run& run) {
  HERD_TRY(const auto starter, HerdStarter::make(run.place));
  HERD_TRY(const Pair pair, interleave(
                                run, [&] { return starter->start_once(); },
                                [&] { return start_with_bubblewrap(run.place.tiny_worker()); }));
  return std::vector{row_of("default sandbox until main", pair, "bubblewrap", 0.5)};
}

Result<std::vector<Row>> measure_network_start(const Run& run) {
  HERD_TRY(const auto starter, HerdStarter::make(run.place, config::Network::none));
  HERD_TRY(const Pair pair, interleave(
                                run, [&] { return starter->start_once(); },
                                [&] { return start_with_bubblewrap(run.place.tiny_worker(), true); }));
  return std::vector{row_of("the same with network none until main", pair, "bubblewrap --unshare-all", 0.5)};
}

Result<std::vector<Row>> measure_ballast(const Run& run) {
  HERD_TRY(Lane with, Lane::make(run.place, true));
  HERD_TRY(Lane without, Lane::make(run.place, false));
  HERD_TRY(const Pair pair,
           interleave(
               run, [&] { return with.start_once(); }, [&] { return without.start_once(); }));
  return std::vector{row_of("the same with 512 MiB of ballast", pair, "without ballast", 1.15)};
}

}  // namespace herd::bench

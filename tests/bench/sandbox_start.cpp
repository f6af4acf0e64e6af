// How long a default sandbox takes until the worker's main, and whether the daemon's size matters.
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <initializer_list>
#include <memory>

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

StarterOptions with_network_none() {
  StarterOptions options;
  options.sandbox.network = config::Network::none;
  return options;
}

/// All that a pool can ask for on this host, in place when the program starts, and read back.
StarterOptions full_sandbox() {
  StarterOptions options;
  options.sandbox.seccomp.enter = config::SeccompEnter::exec;
  options.sandbox.landlock = config::LandlockMode::wanted;
  options.verifies = true;
  return options;
}

/// One part, and how a sandbox is made without it.
struct Layer {
  const char* name;
  void (*remove)(StarterOptions& options);
};

void remove_namespaces(StarterOptions& options, std::initializer_list<config::Namespace> removed) {
  std::erase_if(options.sandbox.namespaces,
                [&](config::Namespace one) { return std::ranges::find(removed, one) != removed.end(); });
}

constexpr Layer kLayers[] = {
    {"the mount namespace and its mounts",
     [](StarterOptions& options) { remove_namespaces(options, {config::Namespace::mount}); }},
    {"the pid namespace",
     [](StarterOptions& options) { remove_namespaces(options, {config::Namespace::pid}); }},
    {"the ipc, uts and cgroup namespaces",
     [](StarterOptions& options) {
       remove_namespaces(options,
                         {config::Namespace::ipc, config::Namespace::uts, config::Namespace::cgroup});
     }},
    {"the network namespace",
     [](StarterOptions& options) { options.sandbox.network = config::Network::host; }},
    {"the limits of memory, processor and processes",
     [](StarterOptions& options) {
       options.limits.memory.reset();
       options.limits.swap.reset();
       options.limits.cpu.reset();
       options.limits.pids.reset();
     }},
    {"the filter",
     [](StarterOptions& options) { options.sandbox.seccomp.policy = config::SeccompPolicy::off; }},
    {"Landlock", [](StarterOptions& options) { options.sandbox.landlock = config::LandlockMode::off; }},
    {"the read-back", [](StarterOptions& options) { options.verifies = false; }},
};

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
  HERD_TRY(const auto starter, HerdStarter::make(run.place, with_network_none()));
  HERD_TRY(const Pair pair, interleave(
                                run, [&] { return starter->start_once(); },
                                [&] { return start_with_bubblewrap(run.place.tiny_worker(), true); }));
  return std::vector{row_of("the same with network none until main", pair, "bubblewrap --unshare-all", 0.5)};
}

Result<std::vector<Row>> measure_full_sandbox(const Run& run) {
  HERD_TRY(const auto starter, HerdStarter::make(run.place, full_sandbox()));
  HERD_TRY(const Pair pair, interleave(
                                run, [&] { return starter->start_once(); },
                                [&] { return start_with_bubblewrap(run.place.tiny_worker()); }));
  return std::vector{row_of("with filter, Landlock and read-back", pair, "bubblewrap", 0.6)};
}

/// The difference of the medians, with and without; one after the other in each round.
Result<std::vector<Row>> measure_layers(const Run& run) {
  StarterOptions all = full_sandbox();
  all.sandbox.network = config::Network::none;
  std::vector<std::unique_ptr<HerdStarter>> starters;
  HERD_TRY(auto whole, HerdStarter::make(run.place, all));
  starters.push_back(std::move(whole));
  for (const Layer& layer : kLayers) {
    StarterOptions without = all;
    layer.remove(without);
    HERD_TRY(auto starter, HerdStarter::make(run.place, without));
    starters.push_back(std::move(starter));
  }
  std::vector<std::vector<double>> times(starters.size());
  for (int round = 0; round <= run.count; ++round) {
    for (std::size_t i = 0; i < starters.size(); ++i) {
      HERD_TRY(const double took, starters[i]->start_once());
      if (round > 0) times[i].push_back(took);  // the first only warms up
    }
    run.progress(round);
  }
  const double with_all = median(times[0]);
  std::vector<Row> rows{Row{"all layers, network none", "us", with_all, {}, "", {}, summary(times[0])}};
  for (std::size_t i = 0; i < std::size(kLayers); ++i)
    rows.push_back(Row{std::string("of it, ") + kLayers[i].name,
                       "us",
                       with_all - median(times[i + 1]),
                       {},
                       "",
                       {},
                       {{"without", summary(times[i + 1])}}});
  return rows;
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

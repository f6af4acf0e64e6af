// Finding one's worker again is what a gateway does for each request: it may cost little more than asking
// anything.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration round_trip(RawClient& client, const std::string& request) {
  const auto start = Clock::now();
  client.send(request);
  client.read_answer();
  return Clock::now() - start;
}

Clock::duration median(std::vector<Clock::duration>& times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

// Medians, taken turn by turn on one connection, so that a busy machine slows both alike.
TEST(Speed, AnAcquiresHitCostsAtMostTwiceABareRoundTrip) {
  Harness harness;
  RawClient client(harness.path);
  const std::string bare = RawClient::request("GET", "/healthz");
  const std::string hit = RawClient::request("POST", "/v1/pools/web/sessions", R"({"session":"alice"})");
  std::vector<Clock::duration> bare_times, hit_times;
  for (int i = 0; i < 1000; ++i) {
    bare_times.push_back(round_trip(client, bare));
    hit_times.push_back(round_trip(client, hit));
  }
  const auto bare_median = median(bare_times), hit_median = median(hit_times);
  RecordProperty("bare_ns", std::to_string(bare_median.count()));
  RecordProperty("hit_ns", std::to_string(hit_median.count()));
  EXPECT_LE(hit_median, 2 * bare_median)
      << "bare " << bare_median.count() << " ns, hit " << hit_median.count() << " ns";
}

}  // namespace
}  // namespace herd::control

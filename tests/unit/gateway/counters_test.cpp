#include "daemon/gateway/counters.hpp"

#include <gtest/gtest.h>

namespace herd::gateway {
namespace {

using namespace std::chrono_literals;

TEST(Counters, AreSummedOverThreads) {
  Counters one, two;
  one.pool("p").answered(200, 1ms);
  two.pool("p").answered(200, 2ms);
  two.pool("q").answered(502, 1min);
  one.limited(Limit::body_timeout);
  one.accepted.add(3);
  two.connections.add();
  Statistics sum;
  one.add_to(sum);
  two.add_to(sum);
  EXPECT_EQ(sum.pools.at("p").answers.at(200), 2U);
  EXPECT_NEAR(sum.pools.at("p").latency_seconds, 0.003, 1e-9);
  EXPECT_EQ(sum.limited.at("body_timeout"), 1U);
  EXPECT_EQ(sum.limited.size(), 1U);
  EXPECT_EQ(sum.accepted, 3U);
  EXPECT_EQ(sum.connections, 1U);
}

TEST(Counters, PutALatencyIntoItsBucket) {
  Counters counters;
  counters.pool("p").answered(200, 500us);
  counters.pool("p").answered(200, 501us);
  counters.pool("p").answered(200, 11s);
  Statistics sum;
  counters.add_to(sum);
  const auto& latency = sum.pools.at("p").latency;
  EXPECT_EQ(latency[0], 1U);
  EXPECT_EQ(latency[1], 1U);
  EXPECT_EQ(latency.back(), 1U);
}

TEST(Admission, CountsAllAndThoseOfAnAddress) {
  Admission admission;
  Limits limits;
  limits.connections = 3;
  limits.connections_of_address = 1;
  EXPECT_EQ(admission.enter("a", limits), Admission::Answer::yes);
  EXPECT_EQ(admission.enter("a", limits), Admission::Answer::too_many_of_address);
  EXPECT_EQ(admission.enter("", limits), Admission::Answer::yes);
  EXPECT_EQ(admission.enter("", limits), Admission::Answer::yes);
  EXPECT_EQ(admission.enter("b", limits), Admission::Answer::too_many);
  admission.leave("a");
  EXPECT_EQ(admission.enter("a", limits), Admission::Answer::yes);
}

}  // namespace
}  // namespace herd::gateway

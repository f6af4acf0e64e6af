#include "daemon/pool/queue.hpp"

#include <gtest/gtest.h>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

TEST(Queue, KeepsSessionsInOrderAndTheirRequestsTogether) {
  Queue queue;
  queue.add("ann", {1, kStart + 3s});
  queue.add("bob", {2, kStart + 1s});
  queue.add("ann", {3, kStart + 2s});
  EXPECT_EQ(queue.requests(), 3U);
  EXPECT_EQ(queue.sessions(), 2U);
  const Waiting first = queue.pop();
  EXPECT_EQ(first.session, "ann");
  EXPECT_EQ(first.requests.size(), 2U);
  EXPECT_FALSE(queue.holds(3));
  EXPECT_EQ(queue.next_deadline(), kStart + 1s);
}

TEST(Queue, ExpiresInTheOrderOfDeadlines) {
  Queue queue;
  queue.add("ann", {1, kStart + 3s});
  queue.add("bob", {2, kStart + 1s});
  EXPECT_FALSE(queue.pop_expired(kStart).has_value());
  EXPECT_EQ(queue.pop_expired(kStart + 5s), std::pair(SessionName("bob"), RequestId(2)));
  EXPECT_EQ(queue.pop_expired(kStart + 5s), std::pair(SessionName("ann"), RequestId(1)));
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.next_deadline().has_value());
}

TEST(Queue, ASessionWithoutRequestsLosesItsPlace) {
  Queue queue;
  queue.add("ann", {1, kStart});
  queue.add("bob", {2, kStart});
  EXPECT_TRUE(queue.remove(1));
  EXPECT_FALSE(queue.remove(1));
  queue.add("ann", {3, kStart});
  EXPECT_EQ(queue.pop().session, "bob");
  EXPECT_EQ(queue.pop().session, "ann");
}

TEST(Queue, TakeAllLeavesNothing) {
  Queue queue;
  queue.add("ann", {1, kStart});
  queue.add("bob", {2, kStart});
  EXPECT_EQ(queue.take_all().size(), 2U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.requests(), 0U);
  EXPECT_FALSE(queue.pop_expired(Time::max()).has_value());
}

}  // namespace
}  // namespace herd::pool

// Clients that are gone from one moment to the next.
#include <gtest/gtest.h>

#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

constexpr std::size_t kSlots = 4;

Limits few_slots() {
  Limits limits;
  limits.connections_per_uid = kSlots;
  return limits;
}

/// As many clients as there may be, all served at the same time: one that stayed behind would have a slot.
bool all_slots_are_free(const Harness& harness) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    std::vector<std::unique_ptr<RawClient>> clients;
    while (clients.size() < kSlots) {
      clients.push_back(std::make_unique<RawClient>(harness.path));
      if (status_of(clients.back()->ask("GET", "/healthz")) != 200) break;
      if (clients.size() == kSlots) return true;
    }
  }
  return false;
}

TEST(Vanishing, AtAnyPointItLeavesNothingBehind) {
  Harness harness(few_slots());
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  const std::string acquire = RawClient::request("POST", "/v1/pools/web/sessions", "{\"session\":\"a\"}");
  const std::string events = RawClient::request("GET", "/v1/events");
  for (const std::string& request :
       {std::string(), acquire.substr(0, 10), acquire.substr(0, acquire.size() - 5), acquire, events,
        acquire + acquire.substr(0, 7)}) {
    for (std::size_t i = 0; i < 2 * kSlots; ++i) {
      RawClient client(harness.path);
      client.send(request);
      if (request == events) client.read_until("\r\n\r\n");
    }
    EXPECT_TRUE(all_slots_are_free(harness)) << request;
  }
  EXPECT_TRUE(harness.on_loop([&] { return harness.service.queue.empty() && harness.reports.empty(); }));
}

TEST(Vanishing, WhileALargeAnswerIsWritten) {
  Harness harness(few_slots());
  harness.on_loop([&] {
    for (int i = 0; i < 100; ++i) harness.service.emit({{"text", std::string(10'000, 'x')}});
  });
  for (const char* target : {"/v1/events?follow=0", "/v1/events?follow=1"}) {
    for (std::size_t i = 0; i < 2 * kSlots; ++i) {
      RawClient client(harness.path);
      client.send(RawClient::request("GET", target));
      client.read_until("\r\n\r\n");  // the rest is more than the socket holds, so it is still written
    }
    EXPECT_TRUE(all_slots_are_free(harness)) << target;
  }
  EXPECT_TRUE(harness.on_loop([&] { return harness.reports.empty(); }));
}

TEST(Vanishing, WhileAllSlotsAreQueued) {
  Harness harness(few_slots());
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < kSlots; ++i) {
      clients.push_back(std::make_unique<RawClient>(harness.path));
      clients.back()->send(RawClient::request("POST", "/v1/pools/web/sessions"));
    }
    ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.size() == kSlots; }));
  }
  EXPECT_TRUE(all_slots_are_free(harness));
  EXPECT_EQ(harness.on_loop([&] { return harness.service.cancelled.size(); }), kSlots);
  EXPECT_TRUE(harness.on_loop([&] { return harness.service.queue.empty(); }));
}

TEST(Vanishing, WhileQueuedItIsCancelled) {
  Harness harness;
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  RawClient client(harness.path);
  client.send(RawClient::request("POST", "/v1/pools/web/sessions"));
  ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.size() == 1; }));
  client.close();
  EXPECT_TRUE(harness.eventually([&] { return harness.service.cancelled.contains(1); }));
}

// Pipelined bytes that nobody reads while it waits must not hide that it hung up.
TEST(Vanishing, ItIsSeenToLeaveEvenWithUnreadBytes) {
  Harness harness;
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  RawClient client(harness.path);
  client.send(RawClient::request("POST", "/v1/pools/web/sessions"));
  ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.size() == 1; }));
  client.send(RawClient::request("GET", "/healthz"));
  client.close();
  EXPECT_TRUE(harness.eventually([&] { return harness.service.cancelled.contains(1); }));
}

}  // namespace
}  // namespace herd::control

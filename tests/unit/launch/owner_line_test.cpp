#include "protocol/launch/owner_line.hpp"

#include <gtest/gtest.h>

namespace herd::launch {
namespace {

/// What the other end reads; fails the test where that is another kind of message.
template <typename T>
T through(const T& message) {
  const auto read = parse_from_exec(to_json(FromExec(message)));
  EXPECT_TRUE(read);
  const T* same = read ? std::get_if<T>(&*read) : nullptr;
  EXPECT_NE(same, nullptr);
  return same != nullptr ? *same : T{};
}

TEST(OwnerLine, CarriesTheWorkersStart) {
  EXPECT_EQ(through(Started{2}).pid_inside, 2);
}

TEST(OwnerLine, CarriesAFailureWithItsStageAndErrno) {
  const Failed failed = through(Failed{"exec", 13, "'/x': Permission \"denied\"\n"});
  EXPECT_EQ(failed.stage, "exec");
  EXPECT_EQ(failed.errno_value, 13);
  EXPECT_EQ(failed.message, "'/x': Permission \"denied\"\n");
}

TEST(OwnerLine, CarriesReadiness) {
  through(NotifiedReady{});
}

TEST(OwnerLine, CarriesAStatusText) {
  EXPECT_EQ(through(NotifiedStatus{"loading ü"}).text, "loading ü");
}

TEST(OwnerLine, CarriesARefusedReadiness) {
  EXPECT_EQ(through(NotifyRefused{99}).pid_inside, 99);
}

TEST(OwnerLine, CarriesTheNameOfAListener) {
  through(SeccompListener{});
}

TEST(OwnerLine, CarriesAnExitWithAllItsParts) {
  const Exited by_code = through(Exited{.code = 3, .signal = 0, .core = false, .asked = true});
  EXPECT_EQ(by_code.code, 3);
  EXPECT_EQ(by_code.signal, 0);
  EXPECT_FALSE(by_code.core);
  EXPECT_TRUE(by_code.asked);
  const Exited by_signal = through(Exited{.code = 0, .signal = 11, .core = true, .asked = false});
  EXPECT_EQ(by_signal.signal, 11);
  EXPECT_TRUE(by_signal.core);
  EXPECT_FALSE(by_signal.asked);
}

TEST(OwnerLine, CarriesAStop) {
  const auto order = parse_to_exec(to_json(ToExec(Stop{2, 10'000'000'000})));
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(std::get<Stop>(*order).signal, 2);
  EXPECT_EQ(std::get<Stop>(*order).grace_ms, 10'000'000'000);
}

TEST(OwnerLine, CarriesAnOrderForASocketAndItsAnswer) {
  const auto order = parse_to_exec(to_json(ToExec(MakeSocket{1ULL << 63})));
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(std::get<MakeSocket>(*order).request, 1ULL << 63);
  const MadeSocket answer = through(MadeSocket{1ULL << 63, 24});
  EXPECT_EQ(answer.request, 1ULL << 63);
  EXPECT_EQ(answer.errno_value, 24);
}

TEST(OwnerLine, CarriesTheRelaysEnd) {
  const RelayEnded end = through(RelayEnded{3, 9});
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.signal, 9);
}

TEST(OwnerLine, AWorkersBytesThatAreNoUtf8DoNotStopIt) {
  EXPECT_EQ(through(NotifiedStatus{"a\xff z"}).text, "a\xef\xbf\xbd z");
}

TEST(OwnerLine, GarbageFromHerdExecIsAnError) {
  for (const char* text :
       {"", "{", "null", "[]", "7", "\xff", "{}", R"({"type": 1})", R"({"type": "unheard"})",
        R"({"type": "stage"})", R"({"type": "started", "pid": "2"})",
        R"({"type": "failed", "stage": "fds", "message": "x"})",
        R"({"type": "exited", "code": 0, "signal": 0, "core": 1, "asked": false})"}) {
    const auto message = parse_from_exec(text);
    ASSERT_FALSE(message) << text;
    EXPECT_TRUE(message.error().message.starts_with("owner's line: ")) << message.error().message;
  }
}

TEST(OwnerLine, GarbageFromHerddIsAnError) {
  for (const char* text :
       {"", "[]", "{}", "plan", R"({"type": "stop", "signal": 15})",
        R"({"type": "stop", "signal": "SIGTERM", "grace_ms": 0})",
        R"({"type": "start", "signal": 15, "grace_ms": 0})", R"({"type": "make_socket"})"}) {
    EXPECT_FALSE(parse_to_exec(text)) << text;
  }
}

}  // namespace
}  // namespace herd::launch

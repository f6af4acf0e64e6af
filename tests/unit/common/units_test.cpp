#include "common/units.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace herd {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST(Sizes, AreAWholeNumberAndOneUnit) {
  struct Case {
    const char* text;
    Bytes size;
  };
  for (const auto& [text, size] :
       {Case{"0B", Bytes{0}}, Case{"100B", Bytes{100}}, Case{"512KiB", kib(512)}, Case{"256MiB", mib(256)},
        Case{"2GiB", gib(2)}, Case{"1TiB", gib(1024)}, Case{"007MiB", mib(7)}}) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->value, size.value) << text;
  }
}

TEST(Durations, AreAWholeNumberAndOneUnit) {
  struct Case {
    const char* text;
    Duration duration;
  };
  for (const auto& [text, duration] : {Case{"0ms", 0ms}, Case{"250ms", 250ms}, Case{"5s", 5s},
                                       Case{"2m", 2min}, Case{"1h", 1h}, Case{"1d", 24h}}) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(Sizes, AnythingElseIsRefused) {
  for (const char* text : {"", "0", "256", "MiB", "256 MiB", " 256MiB", "256MiB ", "256MB", "256mib", "256M",
                           "-1B", "+1B", "1.5GiB", "0x10B", "1e3B", "off", "1GiB1MiB", "5s"}) {
    const auto parsed = parse_bytes(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message,
              "'" + std::string(text) + R"(' is not a size such as "512KiB", "256MiB" or "2GiB")");
  }
}

TEST(Durations, AnythingElseIsRefused) {
  for (const char* text : {"", "0", "5", "ms", "5 s", " 5s", "5s ", "5S", "5sec", "-5s", "+5s", "1.5s",
                           "1m30s", "off", "5MiB"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message,
              "'" + std::string(text) + R"(' is not a duration such as "250ms", "5s", "2m" or "1h")");
  }
}

TEST(Sizes, AreBoundedByASigned64BitNumber) {
  EXPECT_EQ(parse_bytes("9223372036854775807B").value_or(Bytes{}).value, kLargest);
  EXPECT_EQ(parse_bytes("8388607TiB").value_or(Bytes{}).value, 8388607ULL << 40);
  for (const char* text : {"9223372036854775808B", "8388608TiB", "18446744073709551615B",
                           "18446744073709551616B", "99999999999999999999999TiB"}) {
    const auto parsed = parse_bytes(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message, "'" + std::string(text) + "' is too large");
  }
}

TEST(Durations, AreBoundedByASigned64BitNumberOfMilliseconds) {
  EXPECT_EQ(parse_duration("9223372036854775807ms").value_or(0ms).count(),
            static_cast<std::int64_t>(kLargest));
  EXPECT_TRUE(parse_duration("106751991167d"));
  EXPECT_FALSE(parse_duration("9223372036854775808ms"));
  EXPECT_FALSE(parse_duration("106751991168d"));
}

TEST(Sizes, AnErrorQuotesOnlyTheBeginningOfALongText) {
  const auto parsed = parse_bytes(std::string(65, 'x'));
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.error().message.starts_with("'" + std::string(64, 'x') + "' is not"));
}

TEST(Sizes, AreWrittenInTheLargestUnitThatHoldsThemExactly) {
  EXPECT_EQ(format(Bytes{0}), "0B");
  EXPECT_EQ(format(Bytes{1023}), "1023B");
  EXPECT_EQ(format(Bytes{1024}), "1KiB");
  EXPECT_EQ(format(Bytes{1025}), "1025B");
  EXPECT_EQ(format(mib(1536)), "1536MiB");
  EXPECT_EQ(format(gib(2048)), "2TiB");
}

TEST(Durations, AreWrittenInTheLargestUnitThatHoldsThemExactly) {
  EXPECT_EQ(format(0ms), "0ms");
  EXPECT_EQ(format(Duration(999)), "999ms");
  EXPECT_EQ(format(Duration(60s)), "1m");
  EXPECT_EQ(format(Duration(90s)), "90s");
  EXPECT_EQ(format(Duration(48h)), "2d");
}

TEST(Units, WhatIsWrittenReadsBackTheSame) {
  for (const std::uint64_t value : {0ULL, 1ULL, 4095ULL, 4096ULL, (1ULL << 20) + 1, 1ULL << 40, 3ULL << 30}) {
    EXPECT_EQ(parse_bytes(format(Bytes{value})).value_or(Bytes{~0ULL}).value, value);
    const Duration duration{static_cast<std::int64_t>(value)};
    EXPECT_EQ(parse_duration(format(duration)).value_or(-1ms), duration);
  }
  EXPECT_EQ(parse_bytes(format(Bytes{kLargest})).value_or(Bytes{}).value, kLargest);
}

}  // namespace
}  // namespace herd

#include "cli/human.hpp"

#include <gtest/gtest.h>

namespace herd::cli {
namespace {

TEST(Human, Seconds) {
  EXPECT_EQ(human_seconds(0.25), "250ms");
  EXPECT_EQ(human_seconds(45), "45s");
  EXPECT_EQ(human_seconds(60), "1m");
  EXPECT_EQ(human_seconds(192), "3m12s");
  EXPECT_EQ(human_seconds(7500), "2h5m");
  EXPECT_EQ(human_seconds(273'600), "3d4h");
  EXPECT_EQ(human_seconds(-1), "-");
}

TEST(Human, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1'048'575), "1.0 MiB");
  EXPECT_EQ(human_bytes(1ULL << 50), "1024.0 TiB");
}

TEST(Human, Age) {
  const auto now = std::chrono::system_clock::from_time_t(1'714'557'690);
  EXPECT_EQ(age_of("2024-05-01T10:00:00Z", now), "1m30s");
  EXPECT_EQ(age_of("2024-05-01T10:00:00.5Z", now), "1m30s");
  EXPECT_EQ(age_of("2024-05-01T10:05:00Z", now), "0ms");
  EXPECT_EQ(age_of("yesterday", now), "-");
  EXPECT_EQ(age_of(nullptr, now), "-");
}

// A worker writes what it likes: a terminal must not obey it.
TEST(Human, NothingPrintedMovesTheCursor) {
  EXPECT_EQ(printable("a\x1b[2J\r\nb\x7f"), "a?[2J??b?");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(text_at({{"session", "\x1b]0;x\x07"}}, "session"), "?]0;x?");
}

TEST(Human, WhateverShapeTheAnswerHas) {
  EXPECT_EQ(text_at(nullptr, "x"), "-");
  EXPECT_EQ(text_at({{"x", 7}}, "x"), "7");
  EXPECT_EQ(seconds_at({{"x", "no"}}, "x"), "-");
  EXPECT_EQ(bytes_of("no"), "-");
  EXPECT_EQ(reason_of({{"kind", "signaled"}, {"signal", 9}, {"what", ""}}), "signaled signal=9");
  EXPECT_EQ(reason_of("gone"), "gone");
}

}  // namespace
}  // namespace herd::cli

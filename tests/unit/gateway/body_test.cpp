#include <gtest/gtest.h>

#include "daemon/gateway/http/body.hpp"

namespace herd::gateway::http {
namespace {

constexpr Body::TrailerLimits kLimits{1000, 10};

struct Passed {
  std::string bytes;  // with the trailers
  std::size_t used = 0;
  bool is_done = false, is_bad = false;
};

/// As a flow does it: in pieces of the given sizes, with what is left over kept for the next one.
Passed pass(Body body, const std::string& text, bool plain, std::size_t split) {
  Passed passed;
  std::string trailers;
  std::size_t there = split;
  for (;;) {
    const std::string_view bytes = std::string_view(text).substr(passed.used, there - passed.used);
    const auto piece = body.next(bytes, plain, kLimits, trailers);
    passed.bytes += bytes.substr(piece.before, piece.pass);
    passed.used += piece.before + piece.pass + piece.behind;
    passed.is_bad = body.is_bad();
    if (passed.is_bad || (piece.is_empty() && there == text.size()) || body.is_done()) break;
    if (piece.is_empty()) there = text.size();
  }
  passed.bytes += trailers;
  passed.is_done = body.is_done();
  return passed;
}

constexpr const char* kChunks =
    "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX-A: b\r\nX-Forwarded-For: 6\r\n\r\nNEXT";

TEST(Body, ChunksPassAsTheyAreWhereverTheBytesAreSplit) {
  const std::string text = kChunks;
  for (std::size_t split = 0; split <= text.size(); ++split) {
    const Passed passed = pass(Body(Body::Kind::chunked), text, false, split);
    EXPECT_TRUE(passed.is_done) << split;
    EXPECT_EQ(passed.used, text.size() - 4) << split;
    EXPECT_EQ(passed.bytes, "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX-A: b\r\n\r\n") << split;
  }
}

TEST(Body, ChunksAreTakenApartWhereverTheBytesAreSplit) {
  const std::string text = kChunks;
  for (std::size_t split = 0; split <= text.size(); ++split) {
    const Passed passed = pass(Body(Body::Kind::chunked), text, true, split);
    EXPECT_TRUE(passed.is_done) << split;
    EXPECT_EQ(passed.used, text.size() - 4) << split;
    EXPECT_EQ(passed.bytes, "abc0123456789") << split;
  }
}

TEST(Body, OddChunksAreRefusedWhereverTheBytesAreSplit) {
  const std::string long_extension = "1;" + std::string(300, 'x') + "\r\na\r\n0\r\n\r\n";
  for (const std::string& text : {
           std::string("\r\n0\r\n\r\n"),
           std::string("0x1\r\na\r\n"),
           std::string("+1\r\na\r\n"),
           std::string("-1\r\na\r\n"),
           std::string(" 1\r\na\r\n"),
           std::string("1 \r\na\r\n"),
           std::string("1\na\r\n"),
           std::string("1\r\nab\r\n"),
           std::string("1\r\na\n0\r\n\r\n"),
           std::string("1\r\na0\r\n\r\n"),
           std::string("g\r\n"),
           std::string(";x\r\n"),
           std::string("00000000000000001\r\na\r\n"),
           std::string("10000000000000000\r\n"),
           std::string("1;a\nb\r\na\r\n"),
           std::string("1;a\rb\r\na\r\n"),
           std::string("1;\x01\r\na\r\n"),
           std::string("1\r\r\na\r\n"),
           std::string("0\r\nA : b\r\n\r\n"),
           std::string("0\r\nA: b\n\r\n"),
           std::string("0\r\nContent-Length: 5\r\n\r\n"),
           std::string("0\r\nTransfer-Encoding: chunked\r\n\r\n"),
           std::string("0\r\n a: b\r\n\r\n"),
           "0\r\nA: " + std::string(2000, 'x'),
           long_extension,
       }) {
    for (std::size_t split = 0; split <= text.size(); ++split) {
      const Passed passed = pass(Body(Body::Kind::chunked), text, false, split);
      EXPECT_TRUE(passed.is_bad) << text << " at " << split;
      EXPECT_FALSE(passed.is_done) << text << " at " << split;
    }
  }
}

TEST(Body, ALargestChunkIsOneOf16Digits) {
  Body body(Body::Kind::chunked);
  std::string trailers;
  EXPECT_EQ(body.next("ffffffffffffffff\r\nabc", false, kLimits, trailers).pass, 21U);
  EXPECT_FALSE(body.is_bad());
}

TEST(Body, ALengthIsPassedAndNoByteMore) {
  Body body(Body::Kind::length, 5);
  std::string none;
  EXPECT_EQ(body.next("abc", false, kLimits, none).pass, 3U);
  EXPECT_FALSE(body.is_done());
  EXPECT_EQ(body.next("deNEXT", false, kLimits, none).pass, 2U);
  EXPECT_TRUE(body.is_done());
}

TEST(Body, OneThatEndsWithItsConnectionIsNeverDone) {
  Body body(Body::Kind::until_close);
  std::string none;
  EXPECT_EQ(body.next("abc", false, kLimits, none).pass, 3U);
  EXPECT_FALSE(body.is_done());
}

TEST(Body, IsWhatItsFramingSays) {
  EXPECT_EQ(Body::of({}).kind(), Body::Kind::none);
  EXPECT_TRUE(Body::of({.length = 0}).is_done());
  EXPECT_EQ(Body::of({.length = 3}).kind(), Body::Kind::length);
  EXPECT_EQ(Body::of({.is_chunked = true}).kind(), Body::Kind::chunked);
}

}  // namespace
}  // namespace herd::gateway::http

#include "daemon/worker/output.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace herd::worker {
namespace {

using Lines = std::vector<std::pair<std::string, bool>>;  // text, was it cut

class OutputLines : public testing::Test {
 protected:
  Lines lines_;
  LineSplitter splitter_{[this](std::string line, bool cut) { lines_.emplace_back(std::move(line), cut); }};
};

TEST_F(OutputLines, EndAtTheirNewline) {
  splitter_.feed("one\ntwo\n\nthree\n");
  EXPECT_EQ(lines_, (Lines{{"one", false}, {"two", false}, {"", false}, {"three", false}}));
}

TEST_F(OutputLines, AreTheSameHoweverTheBytesArrive) {
  for (const char byte : std::string("one\n\ntwo\n")) splitter_.feed({&byte, 1});
  EXPECT_EQ(lines_, (Lines{{"one", false}, {"", false}, {"two", false}}));
}

TEST_F(OutputLines, TheLastOneNeedsNoNewline) {
  splitter_.feed("one\ntw");
  EXPECT_EQ(lines_.size(), 1U);
  splitter_.feed("o");
  splitter_.finish();
  EXPECT_EQ(lines_, (Lines{{"one", false}, {"two", false}}));
}

TEST_F(OutputLines, NothingIsNoLine) {
  splitter_.feed("");
  splitter_.finish();
  splitter_.feed("one\n");
  splitter_.finish();
  splitter_.finish();
  EXPECT_EQ(lines_, (Lines{{"one", false}}));
}

TEST_F(OutputLines, AreWholeAtTheBound) {
  const std::string line(kMaxLine, 'x');
  splitter_.feed(line + "\nnext\n");
  EXPECT_EQ(lines_, (Lines{{line, false}, {"next", false}}));
}

TEST_F(OutputLines, OnePastTheBoundAreCutAndSayIt) {
  const std::string line(kMaxLine, 'x');
  splitter_.feed(line + "y\nnext\n");
  EXPECT_EQ(lines_, (Lines{{line, true}, {"next", false}}));
}

TEST_F(OutputLines, AtTheBoundWithTheNewlineInTheNextReadAreWhole) {
  const std::string line(kMaxLine, 'x');
  splitter_.feed(line);
  splitter_.feed("\n");
  EXPECT_EQ(lines_, (Lines{{line, false}}));
}

TEST_F(OutputLines, OnePastTheBoundInTheNextReadAreCut) {
  const std::string line(kMaxLine, 'x');
  splitter_.feed(line);
  splitter_.feed("y");
  splitter_.finish();
  EXPECT_EQ(lines_, (Lines{{line, true}}));
}

// Pitfall 53.
TEST_F(OutputLines, AnEndlessOneIsOneBoundedLine) {
  for (int i = 0; i < 1024; ++i) splitter_.feed(std::string(1024, 'x'));
  splitter_.feed("\nnext\n");
  EXPECT_EQ(lines_, (Lines{{std::string(kMaxLine, 'x'), true}, {"next", false}}));
}

TEST_F(OutputLines, KeepBytesAsTheWorkerWroteThem) {
  const std::string bytes("\0\xff\r\x1b[2J\x80", 8);
  splitter_.feed(bytes + "\n");
  EXPECT_EQ(lines_, (Lines{{bytes, false}}));
}

}  // namespace
}  // namespace herd::worker

#include "cli/record/provenance.hpp"

#include <gtest/gtest.h>

#include "cli/record/descendants.hpp"

namespace herd::record {
namespace {

TEST(Provenance, IsReadAsItWasWritten) {
  for (const Provenance& written :
       {Provenance{"", 1, 1, "a run"}, Provenance{"web", 2, 1234, "b; a"}, Provenance{"", 0, 0, ""}}) {
    const Provenance read = Provenance::parse(written.to_text());
    EXPECT_EQ(read.name, written.name);
    EXPECT_EQ(read.runs, written.runs);
    EXPECT_EQ(read.calls, written.calls);
    EXPECT_EQ(read.history, written.history);
  }
}

TEST(Provenance, OfAnotherCommentIsNothing) {
  for (const char* comment :
       {"", "made by hand", "recorded by herdctl seccomp record: many runs",
        "recorded by herdctl seccomp record: 1 run", "recorded by herdctl seccomp record: "})
    EXPECT_EQ(Provenance::parse(comment).runs, 0U) << comment;
}

TEST(Provenance, HasTheNewestRunFirstAndForgetsTheOldest) {
  Provenance all;
  for (int i = 0; i < 100; ++i) {
    Provenance next{"", 1, 10, "run " + std::to_string(i) + " " + std::string(90, 'x')};
    next.add(all);
    all = next;
  }
  EXPECT_EQ(all.runs, 100U);
  EXPECT_EQ(all.calls, 1000U);
  EXPECT_TRUE(all.history.starts_with("run 99 "));
  EXPECT_LE(all.history.size(), kMaxHistory + 3);
  EXPECT_EQ(all.history.find("run 3 "), std::string::npos);
}

TEST(Provenance, CutsALongCommandBetweenCharacters) {
  std::string word = std::string(kMaxCommandText - 1, 'a') + "\u00e9";  // its second byte is over the limit
  const Provenance long_one = provenance_of({"t", "1", "6", "x86_64", 1, {word}});
  EXPECT_TRUE(long_one.history.ends_with(": " + std::string(kMaxCommandText - 1, 'a') + "..."));
  EXPECT_TRUE(provenance_of({"t", "1", "6", "x86_64", 2, {"ls", "-l"}}).history.ends_with("2 calls: ls -l"));
}

TEST(Descendants, AParentIsReadBehindAnyName) {
  EXPECT_EQ(parent_in("12 (sh) S 7 12 12 0"), 7);
  EXPECT_EQ(parent_in("12 (a) S 1 (b) R 8 12 12 0"), 8);
  EXPECT_EQ(parent_in("12 sh"), -1);
  EXPECT_EQ(parent_in(""), -1);
}

}  // namespace
}  // namespace herd::record

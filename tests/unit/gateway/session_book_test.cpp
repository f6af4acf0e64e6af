#include "daemon/gateway/session_book.hpp"

#include <gtest/gtest.h>

namespace herd::gateway {
namespace {

using namespace std::chrono_literals;

/// Writes down what the book does.
class Notes final : public SessionBook::World {
 public:
  void tell_herdd(const FromGateway& message) override { add("herdd " + to_json(message)); }
  void granted(std::size_t thread, const Question& question, const Grant& grant) override {
    add(std::to_string(thread) + " " + question.session + " " + grant.worker);
  }
  void refused(std::size_t thread, const Question& question, const Refused& refused) override {
    add(std::to_string(thread) + " " + question.session + " " + refused.code);
  }
  void ended(const SessionEnded& ended) override { add("ended " + ended.worker); }

  std::string take() { return std::exchange(text_, {}); }

 private:
  void add(const std::string& line) { text_ += line + "\n"; }
  std::string text_;
};

class Book : public ::testing::Test {
 protected:
  static std::string to_herdd(const FromGateway& message) { return "herdd " + to_json(message) + "\n"; }
  void grant_one() {
    book.ask(0, question);
    book.on_granted(1, {"w-1", nullptr});
    notes.take();
  }
  Notes notes;
  SessionBook book{notes};
  const Question question{"p", "s", true};
};

TEST_F(Book, AsksOnceForAllThreads) {
  book.ask(0, question);
  EXPECT_EQ(notes.take(), to_herdd(Acquire{1, "p", "s", true}));
  book.ask(1, question);
  EXPECT_EQ(notes.take(), "");
  book.on_granted(1, {"w-1", nullptr});
  EXPECT_EQ(notes.take(), "0 s w-1\n1 s w-1\n");
  book.ask(2, question);
  EXPECT_EQ(notes.take(), "2 s w-1\n");
}

TEST_F(Book, AsksAgainAfterARefusal) {
  book.ask(0, question);
  book.on_refused({.request = 1, .code = "queue_full"});
  notes.take();
  book.ask(0, question);
  EXPECT_EQ(notes.take(), to_herdd(Acquire{2, "p", "s", true}));
}

TEST_F(Book, TakesBackWhatNobodyWaitsFor) {
  book.ask(0, question);
  book.ask(1, question);
  notes.take();
  book.take_back(0, question);
  EXPECT_EQ(notes.take(), "");
  book.take_back(1, question);
  EXPECT_EQ(notes.take(), to_herdd(Cancel{1}));
  // The answer was on its way: the session is there for whoever asks next.
  book.on_granted(1, {"w-1", nullptr});
  EXPECT_EQ(notes.take(), "");
  book.ask(0, question);
  EXPECT_EQ(notes.take(), "0 s w-1\n");
}

TEST_F(Book, IsBusyOverAllThreads) {
  grant_one();
  const TimePoint start{};
  book.busy("p", "s", "w-1");
  EXPECT_EQ(notes.take(), to_herdd(Busy{"p", "s", "w-1"}));
  book.busy("p", "s", "w-1");
  book.set_now(start + 10s);
  book.rests("p", "s", "w-1", start + 8s);
  EXPECT_EQ(notes.take(), "");
  book.rests("p", "s", "w-1", start + 5s);
  EXPECT_EQ(notes.take(), to_herdd(Idle{"p", "s", "w-1", 2s}));
  book.busy("p", "s", "w-1");
  EXPECT_EQ(notes.take(), to_herdd(Busy{"p", "s", "w-1"}));
}

TEST_F(Book, KnowsASessionUntilItsEnd) {
  grant_one();
  book.on_ended({"p", "s", "w-0", "exited", ""});
  EXPECT_EQ(notes.take(), "");
  book.on_ended({"p", "s", "w-1", "exited", ""});
  EXPECT_EQ(notes.take(), "ended w-1\n");
  book.busy("p", "s", "w-1");
  EXPECT_EQ(notes.take(), "");
  book.ask(0, question);
  EXPECT_EQ(notes.take(), to_herdd(Acquire{2, "p", "s", true}));
}

TEST_F(Book, WithoutALineServesWhatItKnows) {
  grant_one();
  book.ask(3, {"p", "t", true});
  notes.take();
  book.on_line_end();
  EXPECT_EQ(notes.take(), "3 t stopping\n");
  book.ask(0, question);
  EXPECT_EQ(notes.take(), "0 s w-1\n");
  book.ask(0, {"p", "u", true});
  EXPECT_EQ(notes.take(), "0 u stopping\n");
}

TEST_F(Book, WhoMayNotCreateAsksForThemselves) {
  book.ask(0, {"p", "s", false});
  book.ask(1, question);
  EXPECT_EQ(notes.take(), to_herdd(Acquire{1, "p", "s", false}) + to_herdd(Acquire{2, "p", "s", true}));
  book.on_refused({.request = 1, .code = "unknown_session"});
  EXPECT_EQ(notes.take(), "0 s unknown_session\n");
  book.on_granted(2, {"w-1", nullptr});
  EXPECT_EQ(notes.take(), "1 s w-1\n");
}

}  // namespace
}  // namespace herd::gateway

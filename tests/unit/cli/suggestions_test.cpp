#include "cli/suggestions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herd::cli {
namespace {

using Advice = Suggestion::Advice;
using protocol::Json;
using testing::ElementsAre;
using testing::HasSubstr;

Json event(const std::string& worker, const std::string& call, std::uint64_t total,
           const std::string& arch = "x86_64") {
  return {{"type", "seccomp_denied"}, {"worker", worker}, {"syscall", call}, {"arch", arch},
          {"action", "errno"},        {"exe", "/bin/x"},  {"count", 1},      {"total", total}};
}

std::vector<std::string> lines(const Denials& denials) {
  std::vector<std::string> lines;
  for (const Suggestion& one : denials.suggestions())
    lines.push_back(one.call + " " + std::to_string(one.times) + " " + std::string(name(one.advice)));
  return lines;
}

TEST(Suggestions, SumOverWorkersAndNotOverWhatIsToldTwice) {
  Denials denials;
  denials.add_event(event("a-1", "keyctl", 1));
  denials.add_event(event("a-1", "keyctl", 5));  // a later event of the same kind has all calls so far
  denials.add_event(event("a-2", "keyctl", 2));
  const Json seen{
      {"syscall", "keyctl"}, {"arch", "x86_64"}, {"action", "errno"}, {"exe", "/bin/x"}, {"count", 7U}};
  denials.add_worker({{"id", "a-1"}, {"last_denials", Json::array({seen})}});
  EXPECT_THAT(lines(denials), ElementsAre("keyctl 9 think"));
}

TEST(Suggestions, SayWhatEachCallOpens) {
  Denials denials;
  denials.add_event(event("a-1", "sched_setattr", 9));
  denials.add_event(event("a-1", "mount", 8));
  denials.add_event(event("a-1", "clone3", 7));
  denials.add_event(event("a-1", "io_uring_setup", 6));
  denials.add_event(event("a-1", "mount", 5, "i386"));
  denials.add_event(event("a-1", "syscall 900", 4));
  EXPECT_THAT(lines(denials),
              ElementsAre("sched_setattr 9 allow", "mount 8 think", "clone3 7 leave",
                          "io_uring_setup 6 leave", "mount 5 impossible", "syscall 900 4 impossible"));
  EXPECT_THAT(denials.suggestions()[1].opens, HasSubstr("changes mounts"));
}

TEST(Suggestions, PassOverOtherShapes) {
  Denials denials;
  denials.add_event({{"type", "worker_gone"}});
  denials.add_event({{"type", "seccomp_denied"}, {"syscall", nullptr}, {"total", 5}});
  denials.add_event(Json::parse("[1", nullptr, false));
  denials.add_worker({{"id", "a-1"}, {"last_denials", "none"}});
  EXPECT_TRUE(denials.suggestions().empty());
}

}  // namespace
}  // namespace herd::cli

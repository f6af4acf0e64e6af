#include "common/log.hpp"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace herd {
namespace {

/// What `write` put on stderr with a log of its own.
std::string logged(const std::string& level, LogStyle style, const std::function<void()>& write) {
  testing::internal::CaptureStderr();
  set_up_log(level, style);
  write();
  spdlog::drop("herd");  // the next one may be set up anew
  return testing::internal::GetCapturedStderr();
}

std::string as_text(const std::function<void()>& write) {
  return logged("info", LogStyle::text, write);
}
nlohmann::json as_json(const std::function<void()>& write) {
  return nlohmann::json::parse(logged("info", LogStyle::json, write));
}

TEST(Log, ATextLineHasItsLevelAndWhomItIsAbout) {
  const std::string text = as_text([] { log_warning("slow", {"web", "web-1", ""}); });
  EXPECT_TRUE(text.ends_with("Z warning slow  [pool=web worker=web-1]\n")) << text;
}

TEST(Log, LinesBelowItsLevelAreLeftOut) {
  const auto write = [] {
    log_debug("d");
    log_info("i");
    log_warning("w");
    log_error("e");
  };
  const std::string text = logged("warn", LogStyle::text, write);
  EXPECT_EQ(text.find(" d\n"), std::string::npos);
  EXPECT_EQ(text.find(" i\n"), std::string::npos);
  EXPECT_NE(text.find(" w\n"), std::string::npos);
  EXPECT_NE(text.find(" e\n"), std::string::npos);
}

TEST(Log, AWorkerCanNeitherWriteLinesOfItsOwnNorMoveTheTerminal) {
  const std::string text = as_text([] {
    log_output({"web", "web-1", "", false}, std::string_view("a\nb\r\x1b[2Jc\td\x7f\0e", 14));
  });
  EXPECT_NE(text.find(R"( a\x0ab\x0d\x1b[2Jc d\x7f\x00e  [pool=web worker=web-1 stream=stdout])"),
            std::string::npos)
      << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

TEST(Log, AJsonLineHoldsItsPartsAsMembers) {
  const auto json = as_json([] { log_output({"web", "web-1", "ann", true}, "hello"); });
  EXPECT_EQ(json.at("level"), "info");
  EXPECT_EQ(json.at("message"), "hello");
  EXPECT_EQ(json.at("pool"), "web");
  EXPECT_EQ(json.at("worker"), "web-1");
  EXPECT_EQ(json.at("session"), "ann");
  EXPECT_EQ(json.at("stream"), "stderr");
}

TEST(Log, AJsonLineLeavesOutWhatIsEmpty) {
  const auto json = as_json([] { log_error("boom"); });
  EXPECT_EQ(json.size(), 3U) << json;  // time, level, message
  EXPECT_EQ(json.at("level"), "error");
}

TEST(Log, AWorkerCannotAddMembersToAJsonLine) {
  const auto json = as_json([] { log_output({"web", "web-1", "", false}, R"(","pool":"other","x":"\)"); });
  EXPECT_EQ(json.at("message"), R"(","pool":"other","x":"\)");
  EXPECT_EQ(json.at("pool"), "web");
  EXPECT_FALSE(json.contains("x"));
}

TEST(Log, ASessionNameCannotAddMembersToAJsonLine) {
  const auto json = as_json([] { log_info("bound", {"web", "web-1", R"(a","x":"\)"}); });
  EXPECT_EQ(json.at("session"), R"(a","x":"\)");
  EXPECT_FALSE(json.contains("x"));
}

TEST(Log, ControlCharactersInAJsonLineAreEscaped) {
  const auto json = as_json([] { log_output({}, "a\nb\x1b"); });
  EXPECT_EQ(json.at("message"), R"(a\x0ab\x1b)");
}

TEST(Log, AnExceptionThatEscapedACoroutineIsSaid) {
  const std::string text = as_text([] {
    const auto handler = log_failure("read a line");
    handler(nullptr);
    handler(std::make_exception_ptr(std::runtime_error("boom")));
  });
  EXPECT_NE(text.find(" read a line: boom\n"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

}  // namespace
}  // namespace herd

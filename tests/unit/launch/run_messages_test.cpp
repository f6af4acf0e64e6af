#include "protocol/run/messages.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace herd::run {
namespace {

using Json = nlohmann::json;

const Request kRequest{.pool = "web",
                       .command = {"/bin/sh", "-c", "echo \"$HOME\"\n", ""},
                       .is_terminal = true,
                       .terminal_type = "xterm-256color"};
const Answer kAnswer{.started = true, .exit_code = 137, .code = "pool_failed", .message = "no ü"};

TEST(RunSocket, StandsBesideTheControlSocket) {
  EXPECT_EQ(socket_path("/run/herd/control.sock"), "/run/herd/control.sock.run");
}

TEST(RunSocket, ARequestArrivesAsItWasSent) {
  const auto request = parse_request(to_json(kRequest).value());
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->pool, kRequest.pool);
  EXPECT_EQ(request->command, kRequest.command);
  EXPECT_EQ(request->is_terminal, kRequest.is_terminal);
  EXPECT_EQ(request->terminal_type, kRequest.terminal_type);
  EXPECT_FALSE(request->records);
}

TEST(RunSocket, AnAnswerArrivesAsItWasSent) {
  const auto answer = parse_answer(to_json(kAnswer));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->started, kAnswer.started);
  EXPECT_EQ(answer->exit_code, kAnswer.exit_code);
  EXPECT_EQ(answer->code, kAnswer.code);
  EXPECT_EQ(answer->message, kAnswer.message);
}

TEST(RunSocket, ARecordingIsAskedForInSoManyWords) {
  Request request = kRequest;
  request.records = true;
  EXPECT_TRUE(parse_request(to_json(request).value()).value().records);
  Json json = Json::parse(to_json(request).value());
  json["records"] = "no";
  EXPECT_FALSE(parse_request(json.dump()));
}

TEST(RunSocket, AListenersMessageIsNoAnswerAndAnAnswerIsNone) {
  const auto caught = parse_caught(to_json(Caught{{"/bin/a", "b"}, "unix:/a.sock", true}));
  ASSERT_TRUE(caught);
  EXPECT_EQ(caught->command, (std::vector<std::string>{"/bin/a", "b"}));
  EXPECT_EQ(caught->address, "unix:/a.sock");
  EXPECT_TRUE(caught->needs_exec);
  EXPECT_FALSE(parse_caught(to_json(kAnswer)));
  EXPECT_FALSE(parse_answer(to_json(*caught)));
}

TEST(RunSocket, EveryPartMustBeThereAndOfItsType) {
  const Json request = Json::parse(to_json(kRequest).value());
  for (const auto& [key, value] : request.items()) {
    Json part = request;
    part.erase(key);
    EXPECT_FALSE(parse_request(part.dump())) << key;
    part[key] = Json::object();
    EXPECT_FALSE(parse_request(part.dump())) << key;
  }
  const Json answer = Json::parse(to_json(kAnswer));
  for (const auto& [key, value] : answer.items()) {
    Json part = answer;
    part.erase(key);
    EXPECT_FALSE(parse_answer(part.dump())) << key;
    part[key] = Json::object();
    EXPECT_FALSE(parse_answer(part.dump())) << key;
  }
}

TEST(RunSocket, GarbageIsAnErrorAndNoException) {
  for (const char* text : {"", "{", "null", "[]", "\xff", "run", R"({"pool": "web", "command": "sh"})"}) {
    const auto request = parse_request(text);
    ASSERT_FALSE(request) << text;
    EXPECT_TRUE(request.error().message.starts_with("run socket: ")) << request.error().message;
    EXPECT_FALSE(parse_answer(text)) << text;
  }
}

TEST(RunSocket, ARequestThatIsNotUtf8IsRefusedNotChanged) {
  Request request = kRequest;
  request.command.push_back("a\xff");
  EXPECT_FALSE(to_json(request));
}

}  // namespace
}  // namespace herd::run

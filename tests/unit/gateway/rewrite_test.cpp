#include "daemon/gateway/rewrite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herd::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Rewriting : public ::testing::Test {
 protected:
  std::string request(const std::string& text, std::size_t session_path_bytes = 0) {
    http::RequestHead head;
    EXPECT_EQ(http::parse_request(text, 20, head), nullptr);
    std::string out;
    append_request(out, head, {route, client, "id", session_path_bytes});
    return out;
  }
  std::string answer(const std::string& text, const AnswerChange& change) {
    http::AnswerHead head;
    EXPECT_EQ(http::parse_answer(text, 20, head), nullptr);
    std::string out;
    append_answer(out, head, change);
    return out;
  }
  Route route;
  ClientAddress client{"::1", "\"[::1]\""};
};

TEST_F(Rewriting, ARequestIsWhole) {
  EXPECT_EQ(
      request("GET /a HTTP/1.1\r\nHost: h:1\r\nA: b\r\nTE: x\r\nC:d\r\n\r\n"),
      "GET /a HTTP/1.1\r\nHost: h:1\r\nA: b\r\nC:d\r\nX-Forwarded-For: ::1\r\nX-Forwarded-Proto: http\r\n"
      "X-Forwarded-Host: h:1\r\nForwarded: for=\"[::1]\";host=\"h:1\";proto=http\r\nX-Request-ID: "
      "id\r\n\r\n");
}

TEST_F(Rewriting, AnAbsoluteTargetBecomesAPath) {
  EXPECT_THAT(request("GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n"),
              StartsWith("GET /a?b HTTP/1.1\r\nHost: h\r\n"));
}

TEST_F(Rewriting, APrefixIsCut) {
  route.prefix = "/p/";
  route.strips_prefix = true;
  for (const auto& [path, left] : std::map<std::string, std::string>{
           {"/p", "/"}, {"/p/", "/"}, {"/p?a", "/?a"}, {"/p/a%2Fb?c", "/a%2Fb?c"}}) {
    const std::string seen = request("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(seen, StartsWith("GET " + left + " HTTP/1.1\r\n"));
    EXPECT_THAT(seen, HasSubstr("X-Forwarded-Prefix: /p\r\n"));
  }
  EXPECT_THAT(request("GET /p/s HTTP/1.1\r\nHost: h\r\n\r\n", 2), StartsWith("GET / HTTP/1.1\r\n"));
  EXPECT_THAT(request("GET /p/s/x HTTP/1.1\r\nHost: h\r\n\r\n", 2), StartsWith("GET /x HTTP/1.1\r\n"));
}

TEST_F(Rewriting, TheSessionsHeaderStaysOnlyWhereItIsThePlace) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\nX-Session-ID: a\r\nX-Mine: b\r\n\r\n";
  EXPECT_THAT(request(text), HasSubstr("X-Session-ID: a\r\n"));
  route.session.name = "X-Mine";
  EXPECT_THAT(request(text), Not(HasSubstr("X-Session-ID")));
  EXPECT_THAT(request(text), HasSubstr("X-Mine: b\r\n"));
  route.session.kind = SessionPlace::Kind::query;
  EXPECT_THAT(request(text), Not(HasSubstr("X-Session-ID")));
}

TEST_F(Rewriting, AnAnswerSaysWhatItsConnectionDoes) {
  const std::string text = "HTTP/1.0 200 Fine\r\nA: b\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(answer(text, {}), "HTTP/1.1 200 Fine\r\nA: b\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(answer(text, {.closes = true}), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer(text, {.has_no_body = true}), Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer(text, {.is_chunked_anew = true}), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer(text, {.cookie = "Set-Cookie: x\r\n"}), HasSubstr("Set-Cookie: x\r\n\r\n"));
}

TEST(RequestIds, Differ) {
  RequestIds one, two;
  const std::string first(one.next()), second(one.next());
  EXPECT_EQ(first.size(), 32U);
  EXPECT_NE(first, second);
  EXPECT_NE(first, two.next());
}

}  // namespace
}  // namespace herd::gateway

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "daemon/gateway/http/head.hpp"

namespace herd::gateway::http {
namespace {

using namespace std::literals;

constexpr std::size_t kMaxFields = 10;

/// 0: it is good.
int status_of(const std::string& text) {
  HeadEnd end;
  const auto size = end.find(text);
  if (end.is_bad()) return kBareLineFeed.status;
  if (!size) return -1;  // it has no end
  RequestHead head;
  const Fault* fault = parse_request(std::string_view(text).substr(0, *size), kMaxFields, head);
  return fault != nullptr ? fault->status : 0;
}

std::string with_line(const std::string& line) {
  return line + "\r\nHost: h\r\n\r\n";
}
std::string with_fields(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
std::string with_path(const std::string& path) {
  return with_line("GET " + path + " HTTP/1.1");
}

TEST(RequestHead, FirstLines) {
  for (const char* good : {"GET / HTTP/1.1", "M-SEARCH / HTTP/1.1", "GET /?a=b&c[]=d HTTP/1.0",
                           "OPTIONS * HTTP/1.1", "GET http://h/x HTTP/1.1", "GET HTTP://H/x HTTP/1.1"})
    EXPECT_EQ(status_of(with_line(good)), 0) << good;
  for (const char* bad : {"",
                          "GET",
                          "GET /",
                          "GET / ",
                          "GET  / HTTP/1.1",
                          "GET / HTTP/1.1 ",
                          " GET / HTTP/1.1",
                          "GET /\tHTTP/1.1",
                          "get / HTTP/1.1",
                          "G\x01T / HTTP/1.1",
                          "CONNECT h:1 HTTP/1.1",
                          "GET x HTTP/1.1",
                          "GET * HTTP/1.1",
                          "GET /a b HTTP/1.1",
                          "GET /# HTTP/1.1",
                          "GET /\x80 HTTP/1.1",
                          "GET / HTTP/1.10",
                          "GET / HTTP/1.",
                          "GET / HTTP/1.1x",
                          "GET / HTTP/2",
                          "GET / http/1.1",
                          "GET / HTTX/1.1",
                          "GET ftp://h/ HTTP/1.1",
                          "GET http:/// HTTP/1.1",
                          "GET http://h HTTP/1.1",
                          "GET http://other/ HTTP/1.1",
                          "GET http://u@h/ HTTP/1.1",
                          "GET /a\\b HTTP/1.1"})
    EXPECT_EQ(status_of(with_line(bad)), 400) << bad;
  for (const char* newer : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "PRI * HTTP/2.0"})
    EXPECT_EQ(status_of(with_line(newer)), 505) << newer;
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nA: " + "\0"s + "\r\n\r\n"), 400);
  EXPECT_EQ(status_of(with_line(std::string(33, 'A') + " / HTTP/1.1")), 400);
}

TEST(RequestHead, LinesEndWithBoth) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\n\n"), 400);
  EXPECT_EQ(status_of("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\rHost: h\r\n\r\n"), 400);
}

TEST(RequestHead, Fields) {
  for (const char* good :
       {"", "A: b\r\n", "A:b\r\n", "A:\r\n", "A:  \t b \t \r\n", "A: \xc3\xbc\r\n", "!#$%&'*+-.^_`|~: x\r\n",
        "Content-Length: 0\r\n", "Content-Length: 5\r\n", "content-length:5\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding:  CHUNKED \r\n", "Connection: close, x-y\r\n",
        "Connection: ,,\r\n", "Expect: 100-Continue\r\n"})
    EXPECT_EQ(status_of(with_fields(good)), 0) << good;
  for (const char* bad : {"A : b\r\n",
                          "A\t: b\r\n",
                          ": b\r\n",
                          " A: b\r\n",
                          "A: b\r\n c\r\n",
                          "A: b\r\n\tc\r\n",
                          "A\r\n",
                          "A b: c\r\n",
                          "A: \x01\r\n",
                          "A: \x7f\r\n",
                          "A(: b\r\n",
                          "\xc3\xbc: b\r\n",
                          "A: b\x0b\r\n",
                          "Content-Length:\r\n",
                          "Content-Length: +5\r\n",
                          "Content-Length: -5\r\n",
                          "Content-Length: 5 5\r\n",
                          "Content-Length: 5,5\r\n",
                          "Content-Length: 0x5\r\n",
                          "Content-Length: 5a\r\n",
                          "Content-Length: 9999999999999999999\r\n",
                          "Content-Length: 5\r\nContent-Length: 5\r\n",
                          "Content-Length: 5\r\nContent-Length: 6\r\n",
                          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                          "Transfer-Encoding: gzip, chunked\r\n",
                          "Transfer-Encoding: chunked, chunked\r\n",
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: identity\r\n",
                          "Transfer-Encoding:\r\n",
                          "Transfer-Encoding: xchunked\r\n",
                          "Transfer-Encoding: \x0b"
                          "chunked\r\n",
                          "Transfer-Encoding: \"chunked\"\r\n",
                          "Transfer_Encoding: chunked\r\n",
                          "Content_Length: 5\r\n",
                          "Host: h\r\n",
                          "Host: other\r\n",
                          "Connection: content-length\r\n",
                          "Connection: Transfer-Encoding\r\n",
                          "Connection: host\r\n",
                          "Connection: a b\r\n"})
    EXPECT_EQ(status_of(with_fields(bad)), 400) << bad;
  EXPECT_EQ(status_of(with_fields("Expect: 200-ok\r\n")), 417);
}

TEST(RequestHead, HttpOneZeroHasNoChunks) {
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n"), 0);
}

TEST(RequestHead, Hosts) {
  const auto with_host = [](const std::string& host) {
    return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  for (const char* good : {"h", "a.b-c_d", "127.0.0.1:80", "[::1]", "[::1]:8080", "h:65535"})
    EXPECT_EQ(status_of(with_host(good)), 0) << good;
  for (const char* bad : {"", "h:", "h:x", "h:65536", "h:123456", "a b", "a/b", "u@h", "[::1", "::1", "[]",
                          "[g::1]", "h,i", "a?b", "a#b", "\xc3\xbc"})
    EXPECT_EQ(status_of(with_host(bad)), 400) << bad;
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0);
}

TEST(RequestHead, PathsThatTwoReadersReadDifferently) {
  for (const char* good :
       {"/", "//", "/a//b", "/a.b/..c/...", "/.a", "/a;..", "/%41", "/a%2Fb", "/a?b=/../c", "/a?%"})
    EXPECT_EQ(status_of(with_path(good)), 0) << good;
  for (const char* bad :
       {"/.",        "/..",         "/./",     "/../a",   "/a/..",   "/a/../b", "/%2e", "/%2E%2e/a",  "/.%2e",
        "/a%2f..",   "/a%2f..%2fb", "/..%2fa", "/..%5ca", "/a%5c..", "/..;/a",  "/.;x", "/%2e%2e;/a", "/%00",
        "/a%0d%0ab", "/%1f",        "/%7f",    "/%",      "/%4",     "/%4g",    "/a%"})
    EXPECT_EQ(status_of(with_path(bad)), 400) << bad;
}

TEST(RequestHead, HasAsManyFieldsAsItMay) {
  std::string fields;
  for (std::size_t i = 1; i < kMaxFields; ++i) fields += "A: b\r\n";
  EXPECT_EQ(status_of(with_fields(fields)), 0);
  EXPECT_EQ(status_of(with_fields(fields + "A: b\r\n")), 431);
}

TEST(RequestHead, IsReadAsItIs) {
  const std::string text =
      "POST /a/b?c=d HTTP/1.1\r\nHost: H:80\r\nConnection: Upgrade, x-mine\r\nUpgrade: websocket\r\n"
      "X-Mine: 1\r\nCOOKIE: a=b\r\nContent-Length: 12\r\n\r\n";
  RequestHead head;
  ASSERT_EQ(parse_request(text, kMaxFields, head), nullptr);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "?c=d");
  EXPECT_EQ(head.host, "H:80");
  EXPECT_EQ(head.upgrade, "websocket");
  EXPECT_EQ(head.framing.length, 12U);
  EXPECT_TRUE(head.connection.upgrade);
  EXPECT_TRUE(head.keeps_connection());
  EXPECT_TRUE(head.is_hop_by_hop(head.fields[3]));
  EXPECT_FALSE(head.is_hop_by_hop(head.fields[4]));
  EXPECT_EQ(head.fields[4].known, Name::cookie);
  EXPECT_EQ(head.fields[4].line, "COOKIE: a=b\r\n");
}

TEST(RequestHead, KeepsTheConnectionAsItsVersionDoes) {
  const auto keeps = [](const std::string& text) {
    RequestHead head;
    EXPECT_EQ(parse_request(text, kMaxFields, head), nullptr);
    return head.keeps_connection();
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
}

TEST(HeadEnd, IsFoundWhereverTheBytesAreSplit) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\nmore";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    HeadEnd end;
    const auto first = end.find(std::string_view(text).substr(0, split));
    EXPECT_EQ(first.has_value(), split >= text.size() - 4) << split;
    if (!first) {
      EXPECT_EQ(end.find(text), text.size() - 4) << split;
    }
  }
}

/// Whatever the bytes, none behind them is looked at (the sanitizers see it), and what passes is made of
/// whole lines.
TEST(RequestHead, AnyBytesAreReadOrRefused) {
  const std::string good =
      "POST http://h:80/a/%2e?b HTTP/1.1\r\nHost: h:80\r\nConnection: a, close\r\nTransfer-Encoding: "
      "chunked\r\n\r\n";
  constexpr std::string_view kOften = "\r\n\r\n :,;%./\\\0\t\x80_+0"sv;
  std::mt19937 random(1);
  for (int i = 0; i < 50'000; ++i) {
    std::string text = good;
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      const char c = kOften[random() % kOften.size()];
      switch (random() % 3) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text.erase(at, 1);
      }
    }
    HeadEnd end;
    const auto size = end.find(text);
    if (!size) continue;
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*size));
    RequestHead head;
    if (parse_request({exact.data(), exact.size()}, kMaxFields, head) != nullptr) continue;
    for (const Field& field : head.fields) {
      EXPECT_EQ(field.line.find('\r'), field.line.size() - 2) << text;
      EXPECT_EQ(field.value.find_first_of("\r\n\0"sv), std::string_view::npos) << text;
    }
    EXPECT_FALSE(head.framing.length && head.framing.is_chunked) << text;
  }
}

TEST(AnswerHead, StatusLines) {
  const auto is_good = [](const std::string& text) {
    AnswerHead head;
    return parse_answer(text, kMaxFields, head) == nullptr;
  };
  for (const char* good : {"HTTP/1.1 200 OK", "HTTP/1.0 404 Not Found", "HTTP/1.1 200 ", "HTTP/1.1 200",
                           "HTTP/1.1 599 \xc3\xbc"})
    EXPECT_TRUE(is_good(good + "\r\n\r\n"s)) << good;
  for (const char* bad : {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 099 x",
                          "HTTP/1.1 600 x", "HTTP/1.1  200 x", "HTTP/2.0 200 x", "http/1.1 200 x",
                          "ICY 200 OK", "HTTP/1.1 +20 x", "HTTP/1.1 -20 x", "HTTP/1.1 200 \x01"})
    EXPECT_FALSE(is_good(bad + "\r\n\r\n"s)) << bad;
  EXPECT_FALSE(is_good("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"));
  EXPECT_FALSE(is_good("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

}  // namespace
}  // namespace herd::gateway::http

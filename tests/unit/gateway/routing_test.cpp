#include <gtest/gtest.h>

#include "daemon/gateway/cookie.hpp"
#include "daemon/gateway/route_table.hpp"
#include "daemon/gateway/session_place.hpp"

namespace herd::gateway {
namespace {

using Found = NamedSession::Found;
using Kind = SessionPlace::Kind;

Route route(const std::string& pool, const std::string& prefix, const std::string& host = "") {
  Route made;
  made.pool = pool;
  made.prefix = prefix;
  made.host = host;
  return made;
}

std::string pool_of(const RouteTable& table, const char* host, const char* path) {
  const Route* found = table.find(host, path);
  return found != nullptr ? found->pool : "";
}

TEST(RouteTable, TakesTheHostFirstAndThenTheLongestPrefix) {
  const RouteTable table(
      {route("all", "/"), route("a", "/a/"), route("ab", "/a/b/"), route("h", "/", "h.test")});
  EXPECT_EQ(pool_of(table, "x", "/"), "all");
  EXPECT_EQ(pool_of(table, "x", "/a"), "a");
  EXPECT_EQ(pool_of(table, "x", "/a/"), "a");
  EXPECT_EQ(pool_of(table, "x", "/ab"), "all");
  EXPECT_EQ(pool_of(table, "x", "/a/b"), "ab");
  EXPECT_EQ(pool_of(table, "x", "/a/b/c"), "ab");
  EXPECT_EQ(pool_of(table, "H.Test", "/a/b/c"), "h");
}

TEST(RouteTable, MayFitNothing) {
  EXPECT_EQ(pool_of(RouteTable({route("a", "/a/")}), "x", "/b"), "");
  EXPECT_EQ(pool_of(RouteTable({route("a", "/", "h")}), "x", "/"), "");
}

class Requests : public ::testing::Test {
 protected:
  const http::RequestHead& head(const std::string& target, const std::string& fields = "") {
    text_ = "GET " + target + " HTTP/1.1\r\nHost: h:80\r\n" + fields + "\r\n";
    EXPECT_EQ(http::parse_request(text_, 20, head_), nullptr);
    return head_;
  }
  NamedSession find(Kind kind, const std::string& name, const http::RequestHead& of, bool issues = false) {
    route_.prefix = "/p/";
    route_.pool = "pool";
    route_.session = {kind, name, issues};
    return find_session(route_, of, key, decoded_);
  }
  const CookieKey key{std::string(64, '0')};

 private:
  std::string text_, decoded_;
  http::RequestHead head_;
  Route route_;
};

TEST_F(Requests, WithAPathThatDecodesToAnotherRouteAreRefused) {
  const RouteTable table({route("all", "/"), route("a", "/admin/")});
  EXPECT_NE(find_way(table, head("/%61dmin/x")).fault, nullptr);
  EXPECT_EQ(find_way(table, head("/admin/%61")).route->pool, "a");
}

TEST_F(Requests, NameTheirSessionInAHeader) {
  EXPECT_EQ(find(Kind::header, "X-S", head("/", "x-s: a.b\r\n")).name, "a.b");
  EXPECT_EQ(find(Kind::header, "X-S", head("/")).found, Found::none);
  EXPECT_EQ(find(Kind::header, "X-S", head("/", "X-S: a b\r\n")).found, Found::bad_name);
  EXPECT_EQ(find(Kind::header, "X-S", head("/", "X-S:\r\n")).found, Found::bad_name);
  EXPECT_EQ(find(Kind::header, "X-S", head("/", "X-S: a\r\nX_S: b\r\n")).found, Found::several);
}

TEST_F(Requests, NameTheirSessionInThePath) {
  const auto session = find(Kind::path, "", head("/p/a%40b/c"));
  EXPECT_EQ(session.name, "a@b");
  EXPECT_EQ(session.path_bytes, std::string("/a%40b").size());
  EXPECT_EQ(find(Kind::path, "", head("/p/a")).name, "a");
  EXPECT_EQ(find(Kind::path, "", head("/p/")).found, Found::none);
  EXPECT_EQ(find(Kind::path, "", head("/p")).found, Found::none);
  EXPECT_EQ(find(Kind::path, "", head("/p//c")).found, Found::none);
  EXPECT_EQ(find(Kind::path, "", head("/p/a%2Fb")).found, Found::bad_name);
}

TEST_F(Requests, NameTheirSessionInTheQuery) {
  EXPECT_EQ(find(Kind::query, "s", head("/?x=1&s=a%3Ab&y")).name, "a:b");
  EXPECT_EQ(find(Kind::query, "s", head("/?ss=a")).found, Found::none);
  EXPECT_EQ(find(Kind::query, "s", head("/?s=a&s=a")).found, Found::several);
  EXPECT_EQ(find(Kind::query, "s", head("/?s=")).found, Found::bad_name);
  EXPECT_EQ(find(Kind::query, "s", head("/?s=%zz")).found, Found::bad_name);
}

TEST_F(Requests, NameTheirSessionInACookieThatIsSigned) {
  const std::string good = key.sign("pool", "one");
  EXPECT_EQ(find(Kind::cookie, "s", head("/", "Cookie: x=y; s=" + good + "\r\n"), true).name, "one");
  EXPECT_EQ(find(Kind::cookie, "s", head("/", "Cookie: s=bad.00; s=" + good + "\r\n"), true).name, "one");
  for (const std::string& bad :
       {std::string("one"), std::string("one."), "two" + good.substr(3), good.substr(0, good.size() - 1),
        key.sign("other", "one"), CookieKey(std::string(64, '1')).sign("pool", "one"), "a" + good})
    EXPECT_EQ(find(Kind::cookie, "s", head("/", "Cookie: s=" + bad + "\r\n"), true).found, Found::none)
        << bad;
  EXPECT_EQ(find(Kind::cookie, "s", head("/", "Cookie: s=plain\r\n")).name, "plain");
}

TEST(Cookie, AKeyThatIsNoneSignsForItselfAlone) {
  EXPECT_NE(CookieKey("").sign("p", "s"), CookieKey("").sign("p", "s"));
}

TEST(Cookie, SessionsDiffer) {
  EXPECT_EQ(random_session().size(), 32U);
  EXPECT_NE(random_session(), random_session());
}

}  // namespace
}  // namespace herd::gateway

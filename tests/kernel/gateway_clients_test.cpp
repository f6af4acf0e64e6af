// Programs that people use, through the gateway: curl, Python's websockets, Node, Chromium.
#include <filesystem>

#include "daemon/worker/listener.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

const std::string kClients = HERD_TEST_CLIENTS;

class GatewayClients : public DaemonTest {
 protected:
  explicit GatewayClients(const std::string& address = "127.0.0.1:" +
                                                       std::to_string(worker::pick_port({}).value()))
      : DaemonTest({.config = {{"gateway", {{"listen", {address}}}}}}), address_(address) {}

  void start_web(const Json& session = {{"header", "X-Session-ID"}}) {
    start_with("web", {{"command", {"/usr/bin/python3", kClients + "/websocket_worker.py"}},
                       {"environment", {{"PYTHONPATH", HERD_TEST_SDK_PYTHON}}},
                       {"workers", {{"min", 0}, {"max", 4}}},
                       {"stop", {{"grace", "2s"}}},
                       {"limits", {{"cpu", "off"}}},
                       {"sandbox", {{"filesystem", {{"read_only", {kClients, HERD_TEST_SDK_PYTHON}}}}}},
                       {"gateway", {{"prefix", "/web/"}, {"session", session}}}});
  }
  /// What it writes; the test fails unless it ends well.
  std::string run(const std::vector<std::string>& command, std::vector<std::string> environment = {}) {
    const std::string output = daemon_.directory() + "/client.log";
    std::filesystem::remove(output);  // it is written on
    environment.push_back("PATH=/usr/bin:/bin");
    environment.push_back("HOME=" + daemon_.directory());
    Process process(command, {environment, {}, output});
    const auto status = process.wait(2 * kPatience);
    const std::string text = text_of(output);
    EXPECT_TRUE(status && *status == 0) << command.front() << ": " << text;
    return text;
  }
  [[nodiscard]] std::string url(const std::string& path) const { return "http://" + address_ + path; }

  std::string address_;
};

TEST_F(GatewayClients, Curl) {
  HERD_NEEDS(std::filesystem::exists("/usr/bin/curl"), "curl");
  start_web();
  const auto about = [&](const char* session) {
    return Json::parse(
        run({"/usr/bin/curl", "-sS", "-H", std::string("X-Session-ID: ") + session, url("/web/about")}));
  };
  EXPECT_EQ(about("alice"), about("alice"));
  EXPECT_NE(about("alice"), about("bob"));
}

TEST_F(GatewayClients, Wrk) {
  HERD_NEEDS(std::filesystem::exists("/usr/bin/wrk"), "wrk");
  start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}, {"gateway", {{"prefix", "/"}}}}));
  const std::string said =
      run({"/usr/bin/wrk", "-t2", "-c16", "-d1s", "-H", "X-Session-ID: alice", url("/about")});
  EXPECT_NE(said.find("requests in"), std::string::npos) << said;
  EXPECT_EQ(said.find("Socket errors"), std::string::npos) << said;
  EXPECT_EQ(said.find("Non-2xx"), std::string::npos) << said;
}

TEST_F(GatewayClients, PythonsWebsockets) {
  HERD_NEEDS(std::filesystem::exists("/usr/bin/python3"), "python3");
  start_web();
  EXPECT_EQ(run({"/usr/bin/python3", kClients + "/websockets_client.py", "ws://" + address_ + "/web/echo",
                 "alice"}),
            "ok\n");
}

TEST_F(GatewayClients, NodesFetchAndWs) {
  HERD_NEEDS(std::filesystem::exists("/usr/bin/node"), "node");
  start_web();
  EXPECT_EQ(run({"/usr/bin/node", kClients + "/node_client.mjs", url("/web/"), "alice"}), "ok\n");
}

TEST_F(GatewayClients, AChromiumOpensAWorkersPageAndTalksToItOverAWebSocket) {
  HERD_NEEDS(std::filesystem::exists("/usr/bin/chromium"), "chromium");
  start_web({{"query", "s"}});
  const std::string profile = daemon_.directory() + "/profile";
  const Process browser(
      {"/usr/bin/chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
       "--user-data-dir=" + profile, "--remote-debugging-port=0", url("/web/?s=alice")},
      {{"PATH=/usr/bin:/bin", "HOME=" + daemon_.directory()}, {}, daemon_.directory() + "/chromium.log"});
  const Json started = daemon_.wait_for({.type = "session_started", .pool = "web", .session = "alice"});
  const Json line = daemon_.wait_for_line(started.at("worker"), [](const Json& said) {
    return said.at("text").get<std::string>().starts_with("page got: ");
  });
  EXPECT_EQ(line.at("text"), "page got: from the page");
}

// An opaque program, each session with its own: only seccomp is off.
TEST_F(GatewayClients, AHeadlessChromiumForEachSessionBehindItsOwnDevToolsEndpoint) {
  HERD_NEEDS(std::filesystem::exists("/usr/bin/chromium"), "chromium");
  start_with(
      "browser",
      {{"command",
        {"/usr/bin/chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--user-data-dir=/tmp/profile", "--remote-debugging-port=${PORT}", "--remote-allow-origins=*"}},
       {"listen", "port"},
       {"ready", {{"http", "/json/version"}, {"timeout", "60s"}}},
       {"workers", {{"min", 0}, {"max", 2}}},
       {"sessions", {{"acquire_timeout", "60s"}}},
       {"stop", {{"grace", "2s"}}},
       {"limits", {{"memory", "1GiB"}, {"cpu", "off"}, {"pids", 400}}},
       {"sandbox", {{"network", "loopback"}, {"seccomp", "off"}, {"filesystem", {{"tmp", "512MiB"}}}}},
       {"gateway", {{"prefix", "/"}}}});
  for (const char* session : {"alice", "bob"}) {
    const std::string said = run({"/usr/bin/python3", kClients + "/devtools_client.py", address_, session});
    EXPECT_NE(said.find(session), std::string::npos) << said;
    EXPECT_EQ(said.find(session == std::string("alice") ? "bob" : "alice"), std::string::npos) << said;
  }
  for (const Json& worker : daemon_.workers("browser"))
    EXPECT_EQ(daemon_.worker(worker.at("id")).at("isolation").at("verified"), true);
}

}  // namespace
}  // namespace herd::test

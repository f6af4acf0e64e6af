#include "tests/bench/proxied_pool.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kGatewayPatience = 20s;
constexpr int kManyConnections = 10'000;  // all of them are from 127.0.0.1

Result<json> get_json(Client& client, const std::string& path) {
  HERD_TRY(const Answer answer, client.expect_success("GET", path));
  return json::parse(answer.body);
}

/// The gateway that herdd keeps running, once it serves.
Result<pid_t> find_gateway(Client& client) {
  for (const auto deadline = Clock::now() + kGatewayPatience; Clock::now() < deadline;
       wait_readable(-1, 5ms)) {
    HERD_TRY(const json status, get_json(client, "/v1/status"));
    const json& gateway = status.at("gateway");
    if (!gateway.at("ready").get<bool>()) continue;
    const std::string worker = gateway.at("workers").back();
    HERD_TRY(const json record, get_json(client, "/v1/workers/" + worker));
    return record.at("pid").get<pid_t>();
  }
  return fail("the gateway did not start");
}

}  // namespace

std::string session_request(const std::string& method, const std::string& target, const std::string& session,
                            const std::string& more) {
  return method + " " + target + " HTTP/1.1\r\nHost: herd\r\nX-Session-ID: " + session + "\r\n" + more +
         "\r\n";
}

Result<ProxiedPool> ProxiedPool::start(const Place& place, const std::string& name, int sessions,
                                       const json& pool) {
  json web{{"command", {place.http_worker()}},
           {"workers", {{"min", 0}, {"max", sessions}, {"spare", 0}}},
           {"sessions", {{"idle_timeout", "off"}}},
           {"ready", {{"started", true}}},
           {"limits", {{"cpu", "off"}}},
           {"sandbox", {{"seccomp", {{"enter", "exec"}}}}},
           {"gateway", {{"prefix", "/"}}}};
  web.merge_patch(pool);
  HERD_TRY(const std::uint16_t port, free_port());
  const json gateway{
      {"gateway",
       {{"listen", {"127.0.0.1:" + std::to_string(port)}},
        // As many as nginx is told to keep; HAProxy keeps what it has.
        {"limits", {{"connections_per_address", kManyConnections}, {"idle_connections", 64}}}}}};
  HERD_TRY(Herdd daemon, Herdd::start(place, name, {{"web", web}}, gateway));
  ProxiedPool started(std::move(daemon));
  HERD_TRY(Client client, Client::connect(started.daemon_.socket()));
  HERD_CHECK(started.begin_sessions(client, sessions));
  HERD_TRY(const json status, get_json(client, "/v1/status"));
  started.backend_.cgroup_root = status.at("host").at("cgroup_root");
  HERD_TRY(const pid_t pid, find_gateway(client));
  started.proxy_ = {"herd", port, pid};
  return started;
}

Status ProxiedPool::begin_sessions(Client& client, int count) {
  for (int i = 0; i < count; ++i) {
    ProxiedSession session{"session-" + std::to_string(i), 0};
    HERD_TRY(const Answer answer,
             client.expect_success("POST", "/v1/pools/web/sessions", json{{"session", session.name}}.dump()));
    const json acquired = json::parse(answer.body);
    const std::string address = acquired.at("address");
    backend_.workers.push_back(address.substr(std::string_view("unix:").size()));
    session.worker = acquired.at("pid");
    sessions_.push_back(std::move(session));
  }
  return {};
}

}  // namespace herd::bench

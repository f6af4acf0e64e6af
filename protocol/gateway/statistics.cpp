#include "protocol/gateway/statistics.hpp"

#include "protocol/gateway/json.hpp"

namespace herd::gateway {
namespace {

Json json_of(const PoolStatistics& pool) {
  Json answers = Json::array();
  for (const auto& [status, count] : pool.answers) answers.push_back({status, count});
  return {{"answers", std::move(answers)},
          {"latency", pool.latency},
          {"latency_seconds", pool.latency_seconds},
          {"bytes_in", pool.bytes_in},
          {"bytes_out", pool.bytes_out},
          {"connects", pool.connects},
          {"failed_connects", pool.failed_connects},
          {"retries", pool.retries},
          {"tunnels", pool.tunnels}};
}

PoolStatistics pool_of(const Json& json) {
  PoolStatistics pool;
  for (const Json& answer : json.at("answers")) pool.answers[answer.at(0)] = answer.at(1);
  pool.latency = json.at("latency");
  pool.latency_seconds = json.at("latency_seconds");
  pool.bytes_in = json.at("bytes_in");
  pool.bytes_out = json.at("bytes_out");
  pool.connects = json.at("connects");
  pool.failed_connects = json.at("failed_connects");
  pool.retries = json.at("retries");
  pool.tunnels = json.at("tunnels");
  return pool;
}

}  // namespace

std::string to_json(const Statistics& statistics) {
  Json pools = Json::object();
  for (const auto& [name, pool] : statistics.pools) pools[name] = json_of(pool);
  return dump({{"pools", std::move(pools)},
               {"accepted", statistics.accepted},
               {"connections", statistics.connections},
               {"limited", statistics.limited}});
}

Result<Statistics> parse_statistics(const std::string& text) {
  return read_guarded("gateway's statistics", [&] {
    const Json json = Json::parse(text);
    Statistics statistics;
    for (const auto& [name, pool] : json.at("pools").items()) statistics.pools[name] = pool_of(pool);
    statistics.accepted = json.at("accepted");
    statistics.connections = json.at("connections");
    statistics.limited = json.at("limited").get<std::map<std::string, std::uint64_t>>();
    return statistics;
  });
}

}  // namespace herd::gateway

// What a WebSocket costs on which nothing moves.
#include <sys/resource.h>

#include <optional>

#include "tests/bench/measure.hpp"
#include "tests/bench/proxied_pool.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kTunnels = 2000;
constexpr auto kTunnelsSettle = 2s;

/// This program has an end of each, and passes its limit on to what it starts.
Status allow_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("setrlimit");
  return {};
}

struct Memory {
  double own_kib = 0;                // pages that only the proxy has
  std::optional<double> kernel_kib;  // what the kernel holds for it, where it tells
};

Result<Memory> memory_of(const Proxy& proxy) {
  HERD_TRY(const auto clean, kib_of(proxy.pid, "smaps_rollup", "Private_Clean"));
  HERD_TRY(const auto dirty, kib_of(proxy.pid, "smaps_rollup", "Private_Dirty"));
  Memory memory{static_cast<double>(clean + dirty), {}};
  if (const auto of_kernel = kernel_kib_of(proxy.pid)) memory.kernel_kib = *of_kernel;
  return memory;
}

/// A tunnel through which a message has passed each way.
Result<Client> open_tunnel(const Proxy& proxy, const std::string& session) {
  HERD_TRY(Client client, Client::connect(proxy.port));
  HERD_CHECK(client.send(session_request("GET", "/", session,
                                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                         "Sec-WebSocket-Version: 13\r\n"
                                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")));
  HERD_TRY(const std::string head, client.read_some(30s));
  if (!head.starts_with("HTTP/1.1 101 ")) return fail(proxy.name + " answered " + head);
  HERD_CHECK(client.send("\x81\x85\1\1\1\1abcde"));
  for (std::size_t got = 0; got < 11;) {
    HERD_TRY(const std::string more, client.read_some(30s));
    got += more.size();
  }
  return client;
}

/// Of each tunnel.
Result<Memory> measure_tunnels(const Proxy& proxy, const std::string& session) {
  std::vector<Client> tunnels;
  HERD_TRY(const Client warm, open_tunnel(proxy, session));
  HERD_TRY(const Memory before, memory_of(proxy));
  for (int i = 0; i < kTunnels; ++i) {
    HERD_TRY(Client tunnel, open_tunnel(proxy, session));
    tunnels.push_back(std::move(tunnel));
  }
  wait_readable(-1, kTunnelsSettle);
  HERD_TRY(const Memory after, memory_of(proxy));
  Memory each{(after.own_kib - before.own_kib) / kTunnels, {}};
  if (before.kernel_kib && after.kernel_kib)
    each.kernel_kib = (*after.kernel_kib - *before.kernel_kib) / kTunnels;
  return each;
}

}  // namespace

Result<std::vector<Row>> measure_gateway_tunnels(const Run& run) {
  HERD_CHECK(allow_open_files());
  HERD_TRY(const ProxiedPool pool,
           ProxiedPool::start(run.place, "gateway-tunnels", 1, {{"limits", {{"open_files", 10'000}}}}));
  HERD_TRY(const Peer haproxy, Peer::start_haproxy(run.place, pool.backend()));
  const std::string& session = pool.sessions().front().name;
  HERD_TRY(const Memory herd, measure_tunnels(pool.proxy(), session));
  HERD_TRY(const Memory peer, measure_tunnels(haproxy.proxy(), session));
  run.progress(run.count);
  std::vector rows{Row{"gateway: memory of an idle WebSocket (private)",
                       "KiB",
                       herd.own_kib,
                       peer.own_kib,
                       "HAProxy",
                       16,
                       {},
                       Goal::own_at_most}};
  if (herd.kernel_kib && peer.kernel_kib)
    rows.push_back({"gateway: the kernel's for its two connections",
                    "KiB",
                    *herd.kernel_kib,
                    *peer.kernel_kib,
                    "HAProxy",
                    {},
                    {}});
  return rows;
}

}  // namespace herd::bench

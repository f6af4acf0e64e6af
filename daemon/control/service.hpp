// What the control server asks of the daemon. The app implements it; tests hand in a fake.
// Everything here is called, and calls back, on the daemon's one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "common/log_line.hpp"
#include "common/ring.hpp"
#include "common/units.hpp"
#include "config/daemon_spec.hpp"
#include "config/pool_spec.hpp"

namespace herd::control {

using Json = nlohmann::json;

/// An answer that says no: HTTP status, stable code, sentence, what to do about it.
struct ApiError {
  unsigned status = 500;
  std::string code;  // "unknown_pool" "queue_full" ...
  std::string message;
  std::string hint;  // may be empty
  std::string pool;  // may be empty
  std::optional<int> retry_after_seconds;
};
template <typename T>
using ApiResult = tl::expected<T, ApiError>;

/// Who is at the other end, from SO_PEERCRED.
struct Peer {
  std::uint32_t uid = 0, gid = 0;
  int pid = 0;
};

struct AcquireCall {
  std::string pool;
  std::string session;  // never empty: the server makes a random 128-bit name where the client gave none
  std::optional<Duration> timeout;
  std::optional<config::Lease> lease;
};
struct AcquireResult {
  bool created = false;
  bool lease_is_connection = false;  // the answer is a stream whose end releases
  Json body;                         // {"session","worker","pid","address","created"}
};

/// An event as it stands in GET /v1/events, but for "seq", which is its number in the ring.
using EventRing = Ring<std::shared_ptr<const Json>>;

/// One scale call; absent parts stay as they are.
struct ScaleCall {
  std::optional<int> min, max, spare;
};

class Service {
 public:
  virtual ~Service() = default;

  /// What this peer may do everywhere, by role; `may_use_pool` adds what a pool's `clients` may.
  [[nodiscard]] virtual config::Role role_of(const Peer& peer) const = 0;
  /// Who it is, for messages: "uid 1000".
  [[nodiscard]] virtual std::string describe(const Peer& peer) const = 0;
  [[nodiscard]] virtual bool is_client_of(const Peer& peer, const std::string& pool) const = 0;

  // Reads. Each returns the whole body of the answer.
  [[nodiscard]] virtual Json status() const = 0;                                  // /v1/status
  [[nodiscard]] virtual Json pools() const = 0;                                   // {"pools":[POOL]}
  [[nodiscard]] virtual ApiResult<Json> pool(const std::string& pool) const = 0;  // POOL
  [[nodiscard]] virtual Json workers() const = 0;                                 // {"workers":[WORKER]}
  [[nodiscard]] virtual ApiResult<Json> pool_workers(
      const std::string& pool) const = 0;                                         // {"workers":[WORKER]}
  [[nodiscard]] virtual ApiResult<Json> worker(const std::string& id) const = 0;  // WORKER, whole record
  [[nodiscard]] virtual Json sessions() const = 0;                                // {"sessions":[SESSION]}
  [[nodiscard]] virtual ApiResult<Json> pool_sessions(
      const std::string& pool) const = 0;  // {"sessions":[SESSION]}
  [[nodiscard]] virtual ApiResult<Json> session(const std::string& pool, const std::string& name) const = 0;
  [[nodiscard]] virtual std::string metrics() const = 0;  // Prometheus text
  [[nodiscard]] virtual bool is_ready() const = 0;        // /readyz
  [[nodiscard]] virtual Json config_schema() const = 0;

  /// `done` is called exactly once unless cancelled first; it may be called before this returns.
  /// The number names the request for cancel_acquire and lease_closed.
  virtual std::uint64_t acquire(const AcquireCall& call,
                                std::function<void(ApiResult<AcquireResult>)> done) = 0;
  virtual void cancel_acquire(
      std::uint64_t request) = 0;  // harmless once answered... the binding then stands
  virtual void lease_closed(std::uint64_t request) = 0;
  virtual ApiResult<Json> release(const std::string& pool, const std::string& session) = 0;

  virtual ApiResult<Json> scale(const std::string& pool, const ScaleCall& call) = 0;
  virtual ApiResult<Json> drain(const std::string& pool) = 0;
  virtual ApiResult<Json> resume(const std::string& pool) = 0;
  virtual ApiResult<Json> restart(const std::string& pool) = 0;
  virtual ApiResult<Json> stop_worker(const std::string& id) = 0;
  virtual ApiResult<Json> reload(bool dry_run) = 0;

  [[nodiscard]] virtual EventRing& events() = 0;
  /// The output of a living worker, or of one of the last that are gone; null if unknown.
  [[nodiscard]] virtual std::shared_ptr<LogRing> logs(const std::string& worker) = 0;
};

// Shapes (a key that has nothing to say is null, never absent):
//   POOL    {"name","state","reason","generation","workers":{"min","max","spare","starting","idle","bound",
//            "stopping"},"queued","sessions","backoff_ms","weakened":["..."],"counters":{...}}
//   WORKER  {"id","pool","state","pid","address","session","uid","started","ready","sessions_served",
//            "restarts" (workers of its pool that ended unasked),"status",
//            "isolation":{"verified":bool,"checks":[{"name","wanted","found","ok"}],"left_out":["..."]},
//            "usage":{"memory_bytes","cpu_seconds","pids"},"denied_calls","held_back",
//            "last_denials":[{"syscall","arch","action","exe","comm","session","count","first","last"}]}
//            times: RFC 3339, UTC
//   SESSION {"session","pool","worker","pid","address","lease","started","idle_seconds","holders"}
//   status
//   {"version","uptime_seconds","generation","pools","workers","sessions","host":{...},"warnings":["..."]}

}  // namespace herd::control

// What the control socket asks of the daemon: reads from the pools' state, orders to them.
#include <sys/utsname.h>

#include "config/schema.hpp"
#include "daemon/herdd/daemon.hpp"

namespace herd::daemon {
namespace {

using control::ApiError;
using control::ApiResult;

tl::unexpected<ApiError> unknown(unsigned status, const char* code, const std::string& message,
                                 const std::string& hint, const std::string& pool = "") {
  ApiError error;
  error.status = status;
  error.code = code;
  error.message = message;
  error.hint = hint;
  error.pool = pool;
  return tl::make_unexpected(std::move(error));
}

tl::unexpected<ApiError> unknown_session(const std::string& pool, const std::string& name) {
  return unknown(404, "unknown_session", "pool '" + pool + "' has no session '" + name + "'",
                 "herdctl sessions " + pool, pool);
}

tl::unexpected<ApiError> unknown_worker(const std::string& id) {
  return unknown(404, "unknown_worker", "no worker '" + id + "'", "herdctl workers");
}

}  // namespace

config::Role Daemon::role_of(const control::Peer& peer) const {
  return access_.role_of(peer);
}

std::string Daemon::describe(const control::Peer& peer) const {
  return access_.describe(peer);
}

bool Daemon::is_client_of(const control::Peer& peer, const std::string& pool) const {
  const PoolDriver* driver = find(pool);
  return driver != nullptr && access_.is_client(peer, driver->pool().spec().clients);
}

PoolDriver* Daemon::find(const std::string& pool) const {
  const auto found = drivers_.find(pool);
  return found == drivers_.end() ? nullptr : found->second.get();
}

ApiResult<PoolDriver*> Daemon::require(const std::string& pool) const {
  if (PoolDriver* driver = find(pool)) return driver;
  return unknown(404, "unknown_pool", "no pool '" + pool + "'", "herdctl pools", pool);
}

/// A worker's id is its pool's name, a dash and a number.
PoolDriver* Daemon::owner_of_worker(const std::string& id) const {
  const std::size_t dash = id.rfind('-');
  if (dash == std::string::npos) return nullptr;
  const std::string pool = id.substr(0, dash);
  return pool == config::kGatewayPool ? gateway_.driver() : find(pool);
}

Json Daemon::status() const {
  std::size_t workers = 0, sessions = 0;
  Json warnings = Json::array(), notified = Json::array();
  bool needs_audit = drivers_.empty();
  for (const auto& [name, driver] : drivers_) {
    workers += driver->worker_count();
    sessions += driver->pool().sessions().size();
    const pool::View view = driver->pool().view();
    const bool is_notified = driver->pool().spec().sandbox.seccomp.denials == seccomp::Denials::notify;
    if (is_notified) notified.push_back(name);
    needs_audit = needs_audit || !is_notified;
    if (!view.reason.empty()) warnings.push_back("pool '" + name + "': " + view.reason);
    for (const std::string& weakening : weakenings(driver->pool().spec()))
      warnings.push_back("pool '" + name + "': weakened by " + weakening);
  }
  const denials::Visibility denials = denials_.visibility();
  if (denials.seen == false && needs_audit) warnings.push_back("denied calls " + in_words(denials));
  utsname kernel{};
  uname(&kernel);
  const auto uptime = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  return {{"version", HERD_VERSION},
          {"uptime_seconds", uptime},
          {"generation", generation_},
          {"state", is_stopping_ ? "stopping" : "running"},
          {"pools", drivers_.size()},
          {"workers", workers},
          {"sessions", sessions},
          {"host",
           {{"kernel", kernel.release},
            {"architecture", kernel.machine},
            {"user", parts_.host.user()},
            {"cgroups", parts_.cgroups.layout().kind()},
            {"cgroup_root", parts_.cgroups.root()},
            {"denials", in_words(denials)}}},
          {"denials", to_json(denials, notified)},
          {"gateway", gateway_.status()},
          {"warnings", warnings}};
}

Json Daemon::pools() const {
  Json list = Json::array();
  for (const auto& [name, driver] : drivers_)
    list.push_back(pool_json(driver->pool(), driver->denial_counters(), std::chrono::steady_clock::now()));
  return {{"pools", list}};
}

ApiResult<Json> Daemon::pool(const std::string& pool) const {
  return require(pool).map([](PoolDriver* driver) {
    return pool_json(driver->pool(), driver->denial_counters(), std::chrono::steady_clock::now());
  });
}

Json Daemon::workers() const {
  Json list = Json::array();
  for (const auto& [name, driver] : drivers_)
    for (const pool::WorkerView& view : driver->pool().workers()) list.push_back(driver->worker_record(view));
  return {{"workers", list}};
}

ApiResult<Json> Daemon::pool_workers(const std::string& pool) const {
  return require(pool).map([](PoolDriver* driver) {
    Json list = Json::array();
    for (const pool::WorkerView& view : driver->pool().workers()) list.push_back(driver->worker_record(view));
    return Json{{"workers", list}};
  });
}

ApiResult<Json> Daemon::worker(const std::string& id) const {
  const PoolDriver* driver = owner_of_worker(id);
  Json record = driver == nullptr ? Json(nullptr) : driver->find_worker(id);
  if (record.is_null()) return unknown_worker(id);
  return record;
}

Json Daemon::sessions() const {
  Json list = Json::array();
  for (const auto& [name, driver] : drivers_)
    for (const pool::SessionView& view : driver->pool().sessions())
      list.push_back(driver->session_record(view));
  return {{"sessions", list}};
}

ApiResult<Json> Daemon::pool_sessions(const std::string& pool) const {
  return require(pool).map([](PoolDriver* driver) {
    Json list = Json::array();
    for (const pool::SessionView& view : driver->pool().sessions())
      list.push_back(driver->session_record(view));
    return Json{{"sessions", list}};
  });
}

ApiResult<Json> Daemon::session(const std::string& pool, const std::string& name) const {
  auto driver = require(pool);
  if (!driver) return tl::make_unexpected(driver.error());
  const auto view = (*driver)->pool().session(name);
  if (!view) return unknown_session(pool, name);
  return (*driver)->session_record(*view);
}

bool Daemon::is_ready() const {
  if (is_stopping_ || !gateway_.is_ready()) return false;
  for (const auto& [name, driver] : drivers_) {
    const pool::View view = driver->pool().view();
    if (view.state == pool::PoolState::running && view.idle + view.bound < view.min) return false;
  }
  return true;
}

Json Daemon::config_schema() const {
  return {{"pool", config::pool_schema()}, {"daemon", config::daemon_schema()}};
}

std::uint64_t Daemon::acquire(const control::AcquireCall& call,
                              std::function<void(ApiResult<control::AcquireResult>)> done) {
  const std::uint64_t request = ++last_request_;
  auto driver = require(call.pool);
  if (!driver) {
    done(tl::make_unexpected(driver.error()));
    return request;
  }
  const config::Lease lease = call.lease.value_or((*driver)->pool().spec().sessions.lease);
  const bool is_connection = lease == config::Lease::connection;
  // Only what may have to be told of later is remembered: a queued request, an open connection lease.
  request_pools_.emplace(request, call.pool);
  (*driver)->acquire(request, call, [this, request, is_connection, done = std::move(done)](auto result) {
    if (!result || !is_connection) request_pools_.erase(request);
    if (result) result->lease_is_connection = is_connection;
    done(std::move(result));
  });
  return request;
}

void Daemon::cancel_acquire(std::uint64_t request) {
  const auto pool = request_pools_.extract(request);
  if (pool.empty()) return;
  if (PoolDriver* driver = find(pool.mapped())) driver->cancel_acquire(request);
}

void Daemon::lease_closed(std::uint64_t request) {
  const auto pool = request_pools_.extract(request);
  if (pool.empty()) return;
  if (PoolDriver* driver = find(pool.mapped())) driver->lease_closed(request);
}

std::uint64_t Daemon::hold(const std::string& pool, const std::string& session, const std::string& worker) {
  const std::uint64_t number = ++last_request_;
  if (PoolDriver* driver = find(pool)) {
    request_pools_.emplace(number, pool);
    driver->feed(pool::Hold{number, session, worker});
  }
  return number;
}

void Daemon::let_go(std::uint64_t hold, Duration rested) {
  const auto pool = request_pools_.extract(hold);
  if (pool.empty()) return;
  if (PoolDriver* driver = find(pool.mapped())) driver->lease_closed(hold, rested);
}

GatewayDesk Daemon::gateway_desk() {
  return {*this,
          [this](const std::string& pool) -> const config::GatewaySpec* {
            const PoolDriver* driver = find(pool);
            const auto* route = driver == nullptr ? nullptr : &driver->pool().spec().gateway;
            return route == nullptr || !*route ? nullptr : &**route;
          },
          [this](const std::string& pool, const std::string& session, const std::string& worker) {
            return hold(pool, session, worker);
          },
          [this](std::uint64_t hold, Duration rested) { let_go(hold, rested); }};
}

ApiResult<Json> Daemon::release(const std::string& pool, const std::string& session) {
  auto driver = require(pool);
  if (!driver) return tl::make_unexpected(driver.error());
  if (!(*driver)->release(session)) return unknown_session(pool, session);
  return Json{{"session", session}, {"pool", pool}, {"released", true}};
}

ApiResult<Json> Daemon::tell(const std::string& pool, pool::Event event) {
  auto driver = require(pool);
  if (!driver) return tl::make_unexpected(driver.error());
  (*driver)->feed(std::move(event));
  return pool_json((*driver)->pool(), (*driver)->denial_counters(), std::chrono::steady_clock::now());
}

ApiResult<Json> Daemon::scale(const std::string& pool, const control::ScaleCall& call) {
  auto driver = require(pool);
  if (!driver) return tl::make_unexpected(driver.error());
  const pool::View view = (*driver)->pool().view();
  const int min = call.min.value_or(view.min), max = call.max.value_or(view.max),
            spare = call.spare.value_or(view.spare);
  if (max < 1 || min > max || spare > max) {
    return unknown(400, "bad_request",
                   "min " + std::to_string(min) + ", max " + std::to_string(max) + ", spare " +
                       std::to_string(spare) + " do not fit together",
                   "min and spare are at most max, max is at least 1", pool);
  }
  return tell(pool, pool::Scale{call.min, call.max, call.spare});
}

ApiResult<Json> Daemon::drain(const std::string& pool) {
  return tell(pool, pool::Drain{});
}
ApiResult<Json> Daemon::resume(const std::string& pool) {
  return tell(pool, pool::Resume{});
}
ApiResult<Json> Daemon::restart(const std::string& pool) {
  return tell(pool, pool::Restart{});
}

ApiResult<Json> Daemon::stop_worker(const std::string& id) {
  PoolDriver* driver = owner_of_worker(id);
  if (driver == nullptr || !driver->pool().worker(id)) return unknown_worker(id);
  driver->feed(pool::StopWorkerRequest{id});
  return Json{{"worker", id}, {"stopping", true}};
}

std::shared_ptr<LogRing> Daemon::logs(const std::string& worker) {
  const PoolDriver* driver = owner_of_worker(worker);
  return driver == nullptr ? nullptr : driver->lines_of(worker);
}

}  // namespace herd::daemon

// A daemon for the control server to talk to: one pool "web", answers as the test sets them.
// Its state belongs to the server's loop; a test touches it through Harness::on_loop.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/control/service.hpp"

namespace herd::control {

class FakeService : public Service {
 public:
  config::Role role = config::Role::admin;
  bool is_client = false, ready = true;
  enum class Acquire { at_once, queued, refused } mode = Acquire::at_once;
  bool lease_is_connection = false, throws = false;
  ApiError refusal{429, "queue_full", "the queue of pool 'web' is full", "raise sessions.queue_limit", "web",
                   3};
  std::optional<ApiError> reload_refusal;
  std::vector<std::string> calls;  // what was asked, in order
  std::map<std::uint64_t, std::function<void(ApiResult<AcquireResult>)>> queue;
  std::vector<AcquireCall> acquires;
  std::set<std::uint64_t> cancelled, closed_leases;
  EventRing event_ring{100, 1 << 20};
  std::shared_ptr<LogRing> log_ring = std::make_shared<LogRing>(100, 1 << 20);
  bool worker_is_gone = false;
  int events_asked = 0;  // by a stream that follows them from then on, or by an acquire's answer

  static ApiError unknown(const char* what, const std::string& name) {
    return {404, std::string("unknown_") + what, std::string("there is no ") + what + " '" + name + "'"};
  }
  static Json worker_record(const std::string& id) {
    return {{"id", id},
            {"pool", "web"},
            {"state", "bound"},
            {"pid", 4711},
            {"address", "unix:/run/herd/w/" + id},
            {"session", "alice"},
            {"uid", 1900000001},
            {"started", "2024-05-01T10:00:00Z"},
            {"ready", "2024-05-01T10:00:01Z"},
            {"sessions_served", 1},
            {"restarts", 0},
            {"isolation",
             {{"verified", true},
              {"checks",
               {{{"name", "no_new_privs"}, {"wanted", "1"}, {"found", "1"}, {"ok", true}},
                {{"name", "pids.max"}, {"wanted", "100"}, {"found", "max"}, {"ok", false}}}},
              {"left_out", Json::array()}}},
            {"usage", {{"memory_bytes", 12'582'912}, {"cpu_seconds", 1.5}, {"pids", 3}}},
            {"denied_calls", 13},
            {"held_back", 0},
            {"last_denials",
             {{{"syscall", "mount"},
               {"arch", "x86_64"},
               {"action", "errno"},
               {"exe", "/bin/a\n"},
               {"comm", "a"},
               {"session", "alice"},
               {"count", 12},
               {"first", "2024-05-01T10:00:02Z"},
               {"last", "2024-05-01T10:00:03Z"}},
              {{"syscall", nullptr}, {"count", 1}}}}};
  }
  static Json pool_record() {
    return {{"name", "web"},
            {"state", "running"},
            {"reason", nullptr},
            {"generation", 2},
            {"workers",
             {{"min", 1},
              {"max", 10},
              {"spare", 1},
              {"starting", 0},
              {"idle", 1},
              {"bound", 2},
              {"stopping", 0}}},
            {"queued", 0},
            {"sessions", 2},
            {"backoff_ms", nullptr},
            {"weakened", Json::array()},
            {"counters", Json::object()}};
  }
  static Json session_record(const std::string& name) {
    return {{"session", name},
            {"pool", "web"},
            {"worker", "web-1"},
            {"pid", 4711},
            {"address", "unix:/run/herd/w/web-1"},
            {"lease", "idle"},
            {"started", "2024-05-01T10:00:00Z"},
            {"idle_seconds", 75},
            {"holders", 0}};
  }
  AcquireResult grant(const std::string& session) const {
    return {true,
            lease_is_connection,
            {{"session", session},
             {"worker", "web-1"},
             {"pid", 4711},
             {"address", "unix:/run/w"},
             {"created", true}}};
  }
  void emit(Json event) { event_ring.append(std::make_shared<const Json>(std::move(event)), 100); }

  config::Role role_of(const Peer&) const override { return role; }
  std::string describe(const Peer& peer) const override { return "uid " + std::to_string(peer.uid); }
  bool is_client_of(const Peer&, const std::string& pool) const override {
    return is_client && pool == "web";
  }

  Json status() const override {
    if (throws) throw std::runtime_error("broken invariant");
    return {{"version", "0.1.0"},     {"uptime_seconds", 3700},
            {"generation", 2},        {"pools", 1},
            {"workers", 3},           {"sessions", 2},
            {"host", Json::object()}, {"warnings", {"denials can't be seen"}}};
  }
  Json pools() const override { return {{"pools", {pool_record()}}}; }
  ApiResult<Json> pool(const std::string& pool) const override { return if_web(pool, pool_record()); }
  Json workers() const override { return {{"workers", {worker_record("web-1")}}}; }
  ApiResult<Json> pool_workers(const std::string& pool) const override { return if_web(pool, workers()); }
  ApiResult<Json> worker(const std::string& id) const override {
    if (id != "web-1" || worker_is_gone) return tl::make_unexpected(unknown("worker", id));
    return worker_record(id);
  }
  Json sessions() const override { return {{"sessions", {session_record("alice")}}}; }
  ApiResult<Json> pool_sessions(const std::string& pool) const override { return if_web(pool, sessions()); }
  ApiResult<Json> session(const std::string& pool, const std::string& name) const override {
    if (name != "alice") return tl::make_unexpected(unknown("session", name));
    return if_web(pool, session_record(name));
  }
  std::string metrics() const override { return "herd_workers 3\n"; }
  bool is_ready() const override { return ready; }
  Json config_schema() const override {
    return {{"pool", {{"type", "object"}}}, {"daemon", {{"type", "object"}}}};
  }

  std::uint64_t acquire(const AcquireCall& call,
                        std::function<void(ApiResult<AcquireResult>)> done) override {
    const std::uint64_t request = ++last_request_;
    acquires.push_back(call);
    if (call.pool != "web") {
      done(tl::make_unexpected(unknown("pool", call.pool)));
    } else if (mode == Acquire::at_once) {
      done(grant(call.session));
    } else if (mode == Acquire::refused) {
      done(tl::make_unexpected(refusal));
    } else {
      queue.emplace(request, std::move(done));
    }
    return request;
  }
  void cancel_acquire(std::uint64_t request) override {
    queue.erase(request);
    cancelled.insert(request);
  }
  void lease_closed(std::uint64_t request) override { closed_leases.insert(request); }
  ApiResult<Json> release(const std::string& pool, const std::string& session) override {
    calls.push_back("release " + pool + " " + session);
    if (session != "alice") return tl::make_unexpected(unknown("session", session));
    return if_web(pool, {{"session", session}, {"released", true}});
  }
  ApiResult<Json> scale(const std::string& pool, const ScaleCall& call) override {
    const auto text = [](const std::optional<int>& n) { return n ? std::to_string(*n) : "-"; };
    calls.push_back("scale " + pool + " " + text(call.min) + " " + text(call.max) + " " + text(call.spare));
    return if_web(pool, pool_record());
  }
  ApiResult<Json> drain(const std::string& pool) override { return operated("drain", pool); }
  ApiResult<Json> resume(const std::string& pool) override { return operated("resume", pool); }
  ApiResult<Json> restart(const std::string& pool) override { return operated("restart", pool); }
  ApiResult<Json> stop_worker(const std::string& id) override {
    calls.push_back("stop " + id);
    return worker(id);
  }
  ApiResult<Json> reload(bool dry_run) override {
    calls.push_back(dry_run ? "reload dry" : "reload");
    if (reload_refusal) return tl::make_unexpected(*reload_refusal);
    return Json{{"dry_run", dry_run},
                {"generation", 3},
                {"plan",
                 {{{"pool", "web"},
                   {"field", "/limits/memory"},
                   {"before", "256MiB"},
                   {"after", "512MiB"},
                   {"applies", "next_spawn"}}}}};
  }

  EventRing& events() override {
    ++events_asked;
    return event_ring;
  }
  std::shared_ptr<LogRing> logs(const std::string& worker) override {
    return worker == "web-1" ? log_ring : nullptr;
  }

 private:
  static ApiResult<Json> if_web(const std::string& pool, Json body) {
    if (pool != "web") return tl::make_unexpected(unknown("pool", pool));
    return body;
  }
  ApiResult<Json> operated(const char* what, const std::string& pool) {
    calls.push_back(std::string(what) + " " + pool);
    return if_web(pool, pool_record());
  }
  std::uint64_t last_request_ = 0;
};

}  // namespace herd::control

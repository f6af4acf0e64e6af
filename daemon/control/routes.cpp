#include "daemon/control/routes.hpp"

#include <array>

#include "common/random.hpp"
#include "daemon/control/body.hpp"
#include "protocol/control/routes.hpp"

namespace herd::control {
namespace {

using protocol::dump_line;
namespace route = protocol::route;
using Words = std::span<const std::string_view>;

constexpr std::size_t kRandomNameBytes = 16;

Outcome json_answer(const Json& body, unsigned status = 200) {
  return Answer{status, dump_line(body)};
}

ApiResult<Outcome> answer(ApiResult<Json> body) {
  if (!body) return tl::make_unexpected(std::move(body).error());
  return json_answer(*body);
}

ApiError bad_session_name() {
  return {400, protocol::code::kBadSessionName,
          "a session's name has 1 to 128 letters, digits and . _ ~ : @ -"};
}

/// For calls that take neither: a word in either is a mistake of the caller's.
ApiResult<void> expect_nothing(const Call& call) {
  if (auto query = Query::read(call.query, Words{}); !query) return tl::make_unexpected(query.error());
  if (auto body = Body::read(call.body, Words{}); !body) return tl::make_unexpected(body.error());
  return {};
}

template <auto kMember>
ApiResult<Outcome> read_all(const Call& call) {
  HERD_CHECK(expect_nothing(call));
  return json_answer((call.service.*kMember)());
}

template <auto kMember>
ApiResult<Outcome> on_pool(const Call& call) {
  HERD_CHECK(expect_nothing(call));
  return answer((call.service.*kMember)(call.pool));
}

template <auto kMember>
ApiResult<Outcome> on_worker(const Call& call) {
  HERD_CHECK(expect_nothing(call));
  return answer((call.service.*kMember)(call.worker));
}

template <auto kMember>
ApiResult<Outcome> on_session(const Call& call) {
  HERD_CHECK(expect_nothing(call));
  if (!protocol::is_session_name(call.session)) return tl::make_unexpected(bad_session_name());
  return answer((call.service.*kMember)(call.pool, call.session));
}

ApiResult<Outcome> healthz(const Call&) {
  return json_answer({{"status", "ok"}});
}

ApiResult<Outcome> readyz(const Call& call) {
  if (call.service.is_ready()) return json_answer({{"status", "ready"}});
  return tl::make_unexpected(
      ApiError{503, protocol::code::kNotReady, "the daemon is still starting", "see GET /v1/status", "", 1});
}

ApiResult<Outcome> metrics(const Call& call) {
  return Answer{200, call.service.metrics(), protocol::kMetricsType};
}

ApiResult<Outcome> acquire(const Call& call) {
  static constexpr std::array<std::string_view, 3> kKeys{"session", "timeout", "lease"};
  if (auto query = Query::read(call.query, Words{}); !query) return tl::make_unexpected(query.error());
  HERD_TRY(const Body body, Body::read(call.body, kKeys));
  HERD_TRY(std::optional<std::string> session, body.text("session"));
  HERD_TRY(const std::optional<std::string> lease, body.text("lease"));
  AcquireCall acquire{call.pool};
  HERD_TRY(acquire.timeout, body.duration("timeout", kMaxAcquireTimeout));
  if (session && !protocol::is_session_name(*session)) return tl::make_unexpected(bad_session_name());
  acquire.session = session ? std::move(*session) : random_hex(kRandomNameBytes);
  if (lease) {
    if (*lease != "idle" && *lease != "connection")
      return tl::make_unexpected(bad_request("'lease' must be \"idle\" or \"connection\""));
    acquire.lease = *lease == "idle" ? config::Lease::idle : config::Lease::connection;
  }
  return acquire;
}

ApiResult<Outcome> scale(const Call& call) {
  static constexpr std::array<std::string_view, 3> kKeys{"min", "max", "spare"};
  if (auto query = Query::read(call.query, Words{}); !query) return tl::make_unexpected(query.error());
  HERD_TRY(const Body body, Body::read(call.body, kKeys));
  ScaleCall scale;
  HERD_TRY(scale.min, body.count("min", kMaxScale));
  HERD_TRY(scale.max, body.count("max", kMaxScale));
  HERD_TRY(scale.spare, body.count("spare", kMaxScale));
  if (!scale.min && !scale.max && !scale.spare)
    return tl::make_unexpected(bad_request("scale needs at least one of min, max, spare"));
  if (scale.min && scale.max && *scale.min > *scale.max)
    return tl::make_unexpected(bad_request("'min' is more than 'max'"));
  return answer(call.service.scale(call.pool, scale));
}

ApiResult<Outcome> reload(const Call& call) {
  static constexpr std::array<std::string_view, 1> kWords{"dry_run"};
  HERD_TRY(const Query query, Query::read(call.query, kWords));
  if (auto body = Body::read(call.body, Words{}); !body) return tl::make_unexpected(body.error());
  HERD_TRY(const bool dry_run, query.flag("dry_run", false));
  return answer(call.service.reload(dry_run));
}

ApiResult<Outcome> events(const Call& call) {
  static constexpr std::array<std::string_view, 3> kWords{"since", "pool", "follow"};
  HERD_TRY(const Query query, Query::read(call.query, kWords));
  EventQuery wanted;
  HERD_TRY(wanted.since, query.number("since", 0));
  HERD_TRY(wanted.follow, query.flag("follow", true));
  wanted.pool = query.text("pool").value_or("");
  // A misspelt pool would be a stream that stays silent for ever.
  if (!wanted.pool.empty()) {
    if (auto pool = call.service.pool(wanted.pool); !pool) return tl::make_unexpected(pool.error());
  }
  return event_lines(call.service.events(), std::move(wanted));
}

ApiResult<Outcome> logs(const Call& call) {
  static constexpr std::array<std::string_view, 2> kWords{"since", "follow"};
  HERD_TRY(const Query query, Query::read(call.query, kWords));
  HERD_TRY(const std::uint64_t since, query.number("since", 0));
  HERD_TRY(bool follow, query.flag("follow", false));
  std::shared_ptr<LogRing> ring = call.service.logs(call.worker);
  if (ring == nullptr)
    return tl::make_unexpected(ApiError{404, protocol::code::kUnknownWorker,
                                        "there is no output of a worker '" + call.worker + "'"});
  // Of a worker that is gone nothing more will come.
  const auto record = call.service.worker(call.worker);
  if (!record || record->value("state", "") == "gone") follow = false;
  return log_lines(std::move(ring), call.service.events(), {call.worker, since, follow});
}

using S = Service;
// clang-format off
constexpr Route kRoutes[] = {
    {"GET",    route::kHealthz,      Access::anyone,    healthz},
    {"GET",    route::kReadyz,       Access::anyone,    readyz},
    {"POST",   route::kPoolSessions, Access::client,    acquire},
    {"DELETE", route::kPoolSession,  Access::client,    on_session<&S::release>},
    {"GET",    route::kPoolSession,  Access::observer,  on_session<&S::session>},
    {"GET",    route::kStatus,       Access::observer,  read_all<&S::status>},
    {"GET",    route::kPools,        Access::observer,  read_all<&S::pools>},
    {"GET",    route::kPool,         Access::observer,  on_pool<&S::pool>},
    {"GET",    route::kPoolWorkers,  Access::observer,  on_pool<&S::pool_workers>},
    {"GET",    route::kPoolSessions, Access::observer,  on_pool<&S::pool_sessions>},
    {"GET",    route::kWorkers,      Access::observer,  read_all<&S::workers>},
    {"GET",    route::kWorker,       Access::observer,  on_worker<&S::worker>},
    {"GET",    route::kWorkerLogs,   Access::observer,  logs},
    {"GET",    route::kSessions,     Access::observer,  read_all<&S::sessions>},
    {"GET",    route::kEvents,       Access::observer,  events},
    {"GET",    route::kConfigSchema, Access::observer,  read_all<&S::config_schema>},
    {"GET",    route::kMetrics,      Access::observer,  metrics},
    {"POST",   route::kPoolScale,    Access::operator_, scale},
    {"POST",   route::kPoolDrain,    Access::operator_, on_pool<&S::drain>},
    {"POST",   route::kPoolResume,   Access::operator_, on_pool<&S::resume>},
    {"POST",   route::kPoolRestart,  Access::operator_, on_pool<&S::restart>},
    {"POST",   route::kWorkerStop,   Access::operator_, on_worker<&S::stop_worker>},
    {"POST",   route::kReload,       Access::admin,     reload},
};
// clang-format on

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

}  // namespace herd::control

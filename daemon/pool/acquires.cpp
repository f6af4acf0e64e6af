// Requests until they are answered: granted, denied or cancelled, exactly once.
#include <algorithm>

#include "daemon/pool/machine.hpp"
#include "daemon/pool/saturate.hpp"

namespace herd::pool {

namespace {

/// What a client is told to wait where the pool knows nothing better.
constexpr Duration kQueueRetryAfter = std::chrono::seconds(1);

}  // namespace

void Pool::Machine::on(const Acquire& event) {
  if (queue_.holds(event.request)) return;  // the same request twice is answered once
  ++counters_.acquires;
  const config::Lease lease = event.lease.value_or(spec_.sessions.lease);
  Session* session = sessions_.find(event.session);
  if (session == nullptr) return acquire_new(event, lease);
  ++counters_.hits;
  use(*session, lease == config::Lease::connection ? std::optional(event.request) : std::nullopt);
  grant(event.request, *session, false);
}

void Pool::Machine::acquire_new(const Acquire& event, config::Lease lease) {
  if (const auto error = refusal()) return deny(event.request, *error, refusal_message());

  // Idle workers and a queue never stand side by side: each step ends with one of them empty.
  const Request request{event.request, after(now_, event.timeout.value_or(spec_.sessions.acquire_timeout)),
                        lease};
  auto& idle = workers_.fresh().empty() ? workers_.outdated() : workers_.fresh();
  if (!idle.empty()) return bind(*idle.begin()->second, Waiting{event.session, {request}});

  const std::string prefix = "pool '" + spec_.name + "': ";
  if (request.deadline <= now_)
    return deny(event.request, AcquireError::timeout,
                prefix + "no worker is free and the request does not wait");
  if (queue_.requests() >= static_cast<std::size_t>(std::max(spec_.sessions.queue_limit, 0)))
    return deny(event.request, AcquireError::queue_full,
                prefix + std::to_string(queue_.requests()) +
                    " requests are queued, sessions.queue_limit allows no more",
                retry_after());
  queue_.add(event.session, request);
  changed_ = true;
}

void Pool::Machine::on(const CancelAcquire& event) {
  if (queue_.remove(event.request)) changed_ = true;
}

void Pool::Machine::grant(RequestId request, const Session& session, bool created) {
  actions_.push_back(AnswerAcquire{request, Granted{session.name, session.worker, created}});
}

void Pool::Machine::deny(RequestId request, AcquireError error, std::string message, Duration retry_after) {
  ++counters_.denied;
  actions_.push_back(AnswerAcquire{request, Denied{error, std::move(message), retry_after}});
}

void Pool::Machine::deny_queue(AcquireError error, const std::string& message) {
  for (const Waiting& waiting : queue_.take_all())
    for (const Request& request : waiting.requests) deny(request.id, error, message);
}

void Pool::Machine::expire_requests() {
  while (const auto expired = queue_.pop_expired(now_)) {
    const auto& [session, request] = *expired;
    std::string message = "pool '" + spec_.name + "': no worker for session '" + session + "' in time";
    if (!failure_.empty()) message += "; the last worker that failed: " + failure_;
    deny(request, AcquireError::timeout, std::move(message));
    changed_ = true;
  }
}

std::optional<AcquireError> Pool::Machine::refusal() const {
  switch (state_) {
    case PoolState::running:
      return std::nullopt;
    case PoolState::draining:
      return AcquireError::pool_draining;
    case PoolState::failed:
      return AcquireError::pool_failed;
    case PoolState::stopped:
      return AcquireError::stopping;
  }
  return AcquireError::stopping;
}

std::string Pool::Machine::refusal_message() const {
  const std::string prefix = "pool '" + spec_.name + "' ";
  switch (state_) {
    case PoolState::draining:
      return prefix + "is draining: it takes no new session";
    case PoolState::failed:
      return prefix + "has failed: " + view().reason;
    default:
      return prefix + "is stopping";
  }
}

Duration Pool::Machine::retry_after() const {
  if (!backoff_.until() || *backoff_.until() <= now_) return kQueueRetryAfter;
  return std::max(kQueueRetryAfter, std::chrono::ceil<Duration>(*backoff_.until() - now_));
}

}  // namespace herd::pool

#include <algorithm>
#include <limits>
#include <set>

#include "daemon/pool/saturate.hpp"
#include "tests/unit/pool/simulation.hpp"

namespace herd::pool {

namespace {

void require(bool holds, const char* what) {
  if (!holds) throw Broken(what);
}

void require(bool holds, const char* what, const std::string& who) {
  if (!holds) throw Broken(std::string(what) + ": " + who);
}

}  // namespace

void Model::before(const Event& event, const Pool& pool, Time now) {
  event_ = &event;
  view_before_ = pool.view();
  const config::PoolSpec& spec = pool.spec();
  reuse_ = spec.sessions.reuse;
  max_ = view_before_.max;
  start_limit_ = spec.workers.start_concurrency;
  queue_limit_ = static_cast<std::size_t>(spec.sessions.queue_limit);
  const bool waits = view_before_.backoff_until && *view_before_.backoff_until > now;
  may_start_ = view_before_.state == PoolState::running && (!waits || a_worker_proved_itself(pool, now));
  released_.reset();
  now_ = now;

  if (const auto* configure = std::get_if<Configure>(&event)) {
    max_ = configure->spec.workers.max;
    start_limit_ = configure->spec.workers.start_concurrency;
    queue_limit_ = static_cast<std::size_t>(configure->spec.sessions.queue_limit);
  }
  if (const auto* scale = std::get_if<Scale>(&event)) max_ = std::max(0, scale->max.value_or(max_));
  const bool tries_again = std::holds_alternative<Configure>(event) || std::holds_alternative<Restart>(event);
  if (std::holds_alternative<Resume>(event) || (tries_again && view_before_.state != PoolState::draining))
    may_start_ = view_before_.state != PoolState::stopped;

  if (const auto* acquire = std::get_if<Acquire>(&event)) {
    ++acquires_;
    const Time deadline = after(now, acquire->timeout.value_or(spec.sessions.acquire_timeout));
    pending_[acquire->request] = Request{acquire->session, deadline, place_of(acquire->session, now)};
  }
  const auto* cancel = std::get_if<CancelAcquire>(&event);
  const auto* closed = std::get_if<LeaseClosed>(&event);
  if (cancel != nullptr || closed != nullptr) {
    // A request whose time is up by now is denied before its client is heard.
    const auto found = pending_.find(cancel != nullptr ? cancel->request : closed->request);
    if (found != pending_.end() && found->second.deadline > now) {
      // It may still be granted by something that fell due before; check() looks at what remains.
      found->second.leaving = true;
    }
  }
  if (const auto* verified = std::get_if<WorkerVerified>(&event)) {
    const auto view = pool.worker(verified->worker);
    if (view && view->state == WorkerState::verifying) workers_.at(verified->worker).verified = true;
  }
}

/// Since the last step one has lived for restart.reset_after: what failed before is forgotten.
bool Model::a_worker_proved_itself(const Pool& pool, Time now) const {
  const auto workers = pool.workers();
  return std::any_of(workers.begin(), workers.end(), [&](const WorkerView& worker) {
    const Time proved = after(worker.ready, pool.spec().restart.reset_after);
    return worker.verified && worker.state != WorkerState::stopping && proved > now_ && proved <= now;
  });
}

void Model::action(const Action& action) {
  if (const auto* start = std::get_if<StartWorker>(&action)) started(*start);
  if (const auto* stop = std::get_if<StopWorker>(&action)) stopped(*stop);
  if (const auto* answer = std::get_if<AnswerAcquire>(&action)) answered(*answer);
  if (const auto* release = std::get_if<ReleaseAnswer>(&action)) {
    const auto* asked = std::get_if<Release>(event_);
    require(asked != nullptr && asked->session == release->session && !released_, "release answered unasked");
    require(release->found == sessions_.contains(release->session), "release: found is wrong",
            release->session);
    released_ = release->found;
  }
  if (const auto* set = std::get_if<SetTimer>(&action)) {
    require(timer_ != set->at, "timer set to what it is");
    timer_ = set->at;
  }
  if (std::holds_alternative<ClearTimer>(action)) {
    require(timer_.has_value(), "timer cleared that was not set");
    timer_.reset();
  }
  if (const auto* event = std::get_if<Emit>(&action)) told(*event);
}

void Model::started(const StartWorker& start) {
  require(may_start_, "worker started by a pool that may not", start.worker);
  require(seen_.emplace(start.worker, true).second, "worker id used twice", start.worker);
  workers_[start.worker] = Worker{};
  require(static_cast<int>(workers_.size()) <= max_, "more workers than max", start.worker);
}

void Model::stopped(const StopWorker& stop) {
  const auto found = workers_.find(stop.worker);
  require(found != workers_.end(), "unknown worker stopped", stop.worker);
  require(!found->second.stop_asked, "worker stopped twice", stop.worker);
  require(found->second.session.empty(), "worker stopped before its session ended", stop.worker);
  found->second.stop_asked = true;
}

void Model::answered(const AnswerAcquire& answer) {
  const auto found = pending_.find(answer.request);
  require(found != pending_.end(), "request answered that was not asked or was answered",
          std::to_string(answer.request));
  const Request request = found->second;
  if (const auto* denied = std::get_if<Denied>(&answer.outcome)) {
    ++denied_;
    require(!denied->message.empty(), "denied without a message");
    if (denied->error == AcquireError::queue_full)
      require(denied->retry_after > Duration::zero(), "no retry_after");
    pending_.erase(found);
    return;
  }
  ++granted_;
  granted(request, std::get<Granted>(answer.outcome));
  pending_.erase(found);
}

void Model::granted(const Request& request, const Granted& granted) {
  require(request.session == granted.session, "granted another session", granted.session);
  const auto session = sessions_.find(granted.session);
  require(session != sessions_.end() && session->second == granted.worker, "granted what is not bound",
          granted.session);
  const Worker& worker = workers_.at(granted.worker);
  require(!worker.stop_asked, "granted a stopping worker", granted.worker);
  require(worker.verified, "granted a worker that was not verified", granted.worker);
}

void Model::told(const Emit& event) {
  if (event.type == "session_started") {
    require(sessions_.emplace(event.session, event.worker).second, "session on two workers", event.session);
    Worker& worker = workers_.at(event.worker);
    require(worker.session.empty() && !worker.stop_asked, "worker in two hands", event.worker);
    require(worker.verified, "bound without being verified", event.worker);
    require(worker.sessions == 0 || (reuse_ && !worker.single_use), "second session without reuse",
            event.worker);
    require(place_of(event.session, now_) <= first_place(), "a session overtook the queue", event.session);
    worker.session = event.session;
    worker.single_use = !reuse_;
    ++worker.sessions;
  }
  if (event.type == "session_ended") {
    require(event.reason.has_value(), "session ended without a reason", event.session);
    const auto found = sessions_.find(event.session);
    require(found != sessions_.end() && found->second == event.worker, "unknown session ended",
            event.session);
    sessions_.erase(found);
    workers_.at(event.worker).session.clear();
  }
  if (event.type == "pool_configured") reuse_ = std::get<Configure>(*event_).spec.sessions.reuse;
  if (event.type == "pool_restarting" ||
      (event.type == "pool_configured" && std::get<Configure>(*event_).recycle))
    required_generation_ = view_before_.generation + 1;
  if (event.type == "worker_gone") {
    require(event.reason.has_value(), "gone without a reason", event.worker);
    require(workers_.at(event.worker).session.empty(), "gone before its session ended", event.worker);
    workers_.erase(event.worker);
  }
}

std::uint64_t Model::place_of(const SessionName& session, Time now) {
  for (const auto& [id, request] : pending_)
    if (request.session == session && request.deadline > now) return request.place;
  return ++last_place_;
}

std::uint64_t Model::first_place() const {
  auto first = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [id, request] : pending_)
    if (!request.leaving && !sessions_.contains(request.session)) first = std::min(first, request.place);
  return first;
}

void Model::check(const Pool& pool, Time now) {
  const View view = pool.view();
  if (std::holds_alternative<Release>(*event_)) require(released_.has_value(), "release not answered");
  std::erase_if(pending_, [this](const auto& entry) {
    cancelled_ += entry.second.leaving ? 1 : 0;
    return entry.second.leaving;
  });
  require(static_cast<std::size_t>(view.queued) == pending_.size(), "queue and unanswered requests differ");
  require(view.queued <= view_before_.queued || pending_.size() <= queue_limit_, "queue_limit exceeded");
  require(acquires_ == granted_ + denied_ + cancelled_ + pending_.size(), "acquires do not add up");
  for (const auto& [id, request] : pending_) {
    require(request.deadline > now, "request outlived its timeout", std::to_string(id));
    require(request.deadline == Time::max() || (timer_ && *timer_ <= request.deadline),
            "no timer for a request");
  }
  if (view.state != PoolState::running) require(view.queued == 0, "queue in a pool that serves none");
  if (view.queued > 0) require(view.idle == 0, "idle worker while requests wait");
  if (view.state == PoolState::draining || view.state == PoolState::stopped)
    require(view.idle == 0 && view.starting == 0, "draining pool keeps unbound workers");
  if (view.backoff_until) require(timer_ && *timer_ <= *view.backoff_until, "no timer for the backoff");
  check_workers(pool, view);
  check_sessions(pool, now);
  check_counters(view.counters);
}

void Model::check_workers(const Pool& pool, const View& view) const {
  const auto workers = pool.workers();
  require(workers.size() == workers_.size(), "another number of workers than started and not gone");
  require(view.counters.started - view.counters.gone == workers.size(),
          "started - gone is not the number of workers");
  require(view.starting + view.idle + view.bound + view.stopping == static_cast<int>(workers.size()),
          "counts by state");
  if (view.starting > view_before_.starting)
    require(view.starting <= start_limit_, "start_concurrency exceeded");
  for (const WorkerView& worker : workers) {
    const Worker& known = workers_.at(worker.id);
    require((worker.state == WorkerState::stopping) == known.stop_asked, "stopping unasked", worker.id);
    require(worker.session.value_or("") == known.session, "session differs", worker.id);
    require((worker.state == WorkerState::bound) == worker.session.has_value(), "bound without session",
            worker.id);
    const bool serves = worker.state == WorkerState::idle || worker.state == WorkerState::bound;
    if (serves) require(known.verified && worker.verified, "serves without being verified", worker.id);
  }
}

void Model::check_sessions(const Pool& pool, Time now) const {
  const auto sessions = pool.sessions();
  require(sessions.size() == sessions_.size(), "another number of sessions than begun and not ended");
  const auto& spec = pool.spec().sessions;
  for (const SessionView& session : sessions) {
    const auto found = sessions_.find(session.name);
    require(found != sessions_.end() && found->second == session.worker, "session on another worker",
            session.name);
    Time end = Time::max();
    if (spec.max_lifetime) end = after(session.started, *spec.max_lifetime);
    if (session.lease == config::Lease::connection)
      require(session.holders > 0, "nobody holds it", session.name);
    if (spec.idle_timeout && session.lease == config::Lease::idle && session.holders == 0)
      end = std::min(end, after(session.last_used, *spec.idle_timeout));
    // A definition with shorter times ends a session with the next step; the timer is set for it.
    const bool just_shortened = std::holds_alternative<Configure>(*event_);
    require(end > now || just_shortened, "session outlived its end", session.name);
    require(end == Time::max() || (timer_ && *timer_ <= end), "no timer for a session", session.name);
  }
}

void Model::check_counters(const Counters& counters) {
  const auto grown = [](std::uint64_t now, std::uint64_t before) {
    require(now >= before, "a counter shrank");
  };
  grown(counters.started, counters_.started);
  grown(counters.gone, counters_.gone);
  grown(counters.crashed, counters_.crashed);
  grown(counters.oom_killed, counters_.oom_killed);
  grown(counters.sessions, counters_.sessions);
  grown(counters.acquires, counters_.acquires);
  grown(counters.hits, counters_.hits);
  grown(counters.denied, counters_.denied);
  counters_ = counters;
  require(counters.acquires == acquires_ && counters.denied == denied_,
          "counters differ from what was answered");
}

void Model::check_settled(const Pool& pool) const {
  const View view = pool.view();
  const int live = static_cast<int>(workers_.size());
  require(view.state == PoolState::running, "not running after resume");
  require(live >= view.min, "fewer workers than min");
  require(live <= std::max(view.max, view.bound), "more workers than max");
  require(view.reason.empty(), "settled, and yet a reason", view.reason);
  if (view.queued > 0) require(view.bound >= view.max, "requests wait while max has room");
  for (const WorkerView& worker : pool.workers())
    if (worker.state == WorkerState::idle)
      require(worker.generation >= required_generation_, "an idle worker was not replaced", worker.id);
}

}  // namespace herd::pool

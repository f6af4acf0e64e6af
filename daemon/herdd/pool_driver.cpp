#include "daemon/herdd/pool_driver.hpp"

#include <boost/asio.hpp>
#include <cmath>

#include "common/log.hpp"

namespace herd::daemon {
namespace {

using Clock = std::chrono::steady_clock;

control::ApiError to_api_error(const pool::Denied& denied, const std::string& pool) {
  control::ApiError error;
  error.code = std::string(pool::name(denied.error));
  error.message = denied.message;
  error.pool = pool;
  switch (denied.error) {
    case pool::AcquireError::queue_full:
      error.status = 429;
      error.retry_after_seconds =
          std::max(1, static_cast<int>(std::ceil(static_cast<double>(denied.retry_after.count()) / 1000.0)));
      error.hint = "try again later, or raise workers.max or sessions.queue_limit";
      break;
    case pool::AcquireError::timeout:
      error.status = 504;
      error.hint = "all workers are taken or still starting: raise workers.max, or the timeout";
      break;
    case pool::AcquireError::pool_failed:
      error.status = 503;
      error.hint = "mend the cause, then: herdctl resume " + pool;
      break;
    case pool::AcquireError::pool_draining:
      error.status = 503;
      error.hint = "herdctl resume " + pool;
      break;
    case pool::AcquireError::stopping:
      error.status = 503;
      break;
  }
  return error;
}

bool is_warning(const pool::Emit& action) {
  if (action.type == "pool_failed" || action.type == "pool_backoff") return true;
  return action.type == "worker_gone" && action.reason && !is_planned(action.reason->kind);
}

}  // namespace

PoolDriver::PoolDriver(worker::Resources& resources, control::EventRing& events, pool::IdSource& ids,
                       config::PoolSpec spec, PoolHooks hooks)
    : resources_(resources),
      events_(events),
      pool_(spec, ids),
      spec_(std::make_shared<const config::PoolSpec>(std::move(spec))),
      hooks_(std::move(hooks)),
      timer_(resources.io),
      denials_timer_(resources.io) {}

/// Performing an action may bring the next event (an answer's receiver releases at once): events wait their
/// turn, so a step always sees the actions of the one before it done.
void PoolDriver::feed(pool::Event event) {
  inbox_.push_back(std::move(event));
  if (is_stepping_) return;
  is_stepping_ = true;
  // Also where an exception passes: a driver that stayed busy would never act again.
  const std::shared_ptr<void> done(nullptr, [this](void*) { is_stepping_ = false; });
  while (!inbox_.empty()) {
    const pool::Event next = std::move(inbox_.front());
    inbox_.pop_front();
    for (const pool::Action& action : pool_.step(next, Clock::now())) perform(action);
  }
  if (pool_.finished() && hooks_.finished) {
    timer_.cancel();
    // Posted: the receiver may destroy this driver.
    boost::asio::post(resources_.io, std::exchange(hooks_.finished, nullptr));
  }
}

void PoolDriver::configure(config::PoolSpec spec, bool recycle) {
  spec_ = std::make_shared<const config::PoolSpec>(spec);
  feed(pool::Configure{std::move(spec), recycle});
}

void PoolDriver::perform(const pool::Action& action) {
  if (const auto* start = std::get_if<pool::StartWorker>(&action)) return start_worker(*start);
  if (const auto* stop = std::get_if<pool::StopWorker>(&action)) {
    if (const auto found = workers_.find(stop->worker); found != workers_.end())
      found->second->stop(stop->reason);
    return;
  }
  if (const auto* granted = std::get_if<pool::AnswerAcquire>(&action)) return answer(*granted);
  if (const auto* released = std::get_if<pool::ReleaseAnswer>(&action)) {
    release_found_ = released->found;
    return;
  }
  if (const auto* timer = std::get_if<pool::SetTimer>(&action)) return set_timer(timer->at);
  if (std::holds_alternative<pool::ClearTimer>(action)) {
    timer_.cancel();
    return;
  }
  emit(std::get<pool::Emit>(action));
}

void PoolDriver::start_worker(const pool::StartWorker& action) {
  const std::string& id = action.worker;
  worker::WorkerCallbacks callbacks;
  callbacks.ready = [this, id] { feed(pool::WorkerBecameReady{id}); };
  callbacks.verified = [this, id] { feed(pool::WorkerVerified{id}); };
  callbacks.unhealthy = [this, id] { feed(pool::WorkerIsUnhealthy{id}); };
  callbacks.memory = [this, id](Bytes used) { feed(pool::WorkerMemory{id, used}); };
  callbacks.gone = [this, id](const Reason& reason) { on_gone(id, reason); };
  callbacks.denied = [weak = std::weak_ptr(self_), id](const denials::News& news) {
    if (const auto self = weak.lock()) (*self)->on_denied(id, news);
  };
  auto worker = std::make_shared<worker::Worker>(resources_, spec_, id, std::move(callbacks));
  workers_.emplace(id, worker);
  denials_.try_emplace(id);
  if (hooks_.before_start) hooks_.before_start(*worker);
  worker->start();
}

void PoolDriver::on_gone(const std::string& id, const Reason& reason) {
  const auto found = workers_.find(id);
  if (found == workers_.end()) return;
  denials::History& history = denials_[id];
  tell(id, history.due(Clock::now(), true));
  GoneWorker gone{id, nullptr, found->second->output().lines(), {}};
  if (const auto view = pool_.worker(id)) gone.record = worker_record(*view);
  gone.record["state"] = "gone";
  gone.record["session"] = nullptr;
  gone.record["pid"] = nullptr;  // it may be somebody else's by now
  gone.record["reason"] = to_json(reason);
  gone.record["gone"] = wall_time(std::chrono::system_clock::now());
  gone.denials = std::move(history);
  denials_.erase(id);
  remembered_.push_back(std::move(gone));
  if (remembered_.size() > kRememberedWorkers) remembered_.pop_front();
  workers_.erase(found);
  feed(pool::WorkerGone{id, reason});
}

void PoolDriver::acquire(std::uint64_t request, const control::AcquireCall& call, AcquireDone done) {
  waiting_.emplace(request, std::move(done));
  feed(pool::Acquire{request, call.session, call.timeout, call.lease});
}

void PoolDriver::cancel_acquire(std::uint64_t request) {
  waiting_.erase(request);
  feed(pool::CancelAcquire{request});
}

bool PoolDriver::release(const std::string& session) {
  release_found_ = false;
  feed(pool::Release{session});
  return release_found_;
}

void PoolDriver::answer(const pool::AnswerAcquire& action) {
  auto waiting = waiting_.extract(action.request);
  if (waiting.empty()) return;
  if (const auto* denied = std::get_if<pool::Denied>(&action.outcome))
    return waiting.mapped()(tl::make_unexpected(to_api_error(*denied, name())));
  const auto& granted = std::get<pool::Granted>(action.outcome);
  const auto found = workers_.find(granted.worker);
  control::AcquireResult result;
  result.created = granted.created;
  if (found != workers_.end()) {
    const worker::WorkerRecord& record = found->second->record();
    if (granted.created) {
      found->second->output().set_session(granted.session);
      tell(granted.worker,
           denials_[granted.worker].begin_session(granted.session, std::chrono::system_clock::now()));
    }
    result.body = {{"session", granted.session},
                   {"worker", granted.worker},
                   {"pid", record.pid ? Json(*record.pid) : Json(nullptr)},
                   {"address", record.address.empty() ? Json(nullptr) : Json(record.address)},
                   {"created", granted.created}};
  }
  waiting.mapped()(std::move(result));
}

void PoolDriver::emit(const pool::Emit& action) {
  auto event = std::make_shared<Json>(event_json(action.type, name(), action.worker, action.session));
  if (action.reason) (*event)["reason"] = to_json(*action.reason);
  const bool message_says_more =
      !action.message.empty() && (!action.reason || action.message != describe(*action.reason));
  if (message_says_more) (*event)["message"] = action.message;
  events_.append(event, kBytesOfAnEvent + action.message.size());

  if (action.type == "session_ended") {
    if (const auto found = workers_.find(action.worker); found != workers_.end())
      found->second->output().set_session("");
    if (hooks_.session_ended) hooks_.session_ended(action);
  }
  std::string text = action.type;
  if (action.reason) text += ": " + describe(*action.reason);
  if (message_says_more) text += ": " + action.message;
  const LogSubject subject{name(), action.worker, action.session};
  is_warning(action) ? log_warning(text, subject) : log_info(text, subject);
}

void PoolDriver::set_timer(pool::Time at) {
  timer_.expires_at(at);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) feed(pool::TimerFired{});
  });
}

const worker::Worker* PoolDriver::acting(const std::string& id) const {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : found->second.get();
}

Json PoolDriver::worker_record(const pool::WorkerView& view) const {
  Json record = worker_json(name(), view, acting(view.id), Clock::now());
  if (const auto found = denials_.find(view.id); found != denials_.end()) add_denials(record, found->second);
  record["restarts"] = pool_.view().counters.crashed;  // of its pool: a worker itself is never started again
  return record;
}

Json PoolDriver::session_record(const pool::SessionView& view) const {
  return session_json(name(), view, acting(view.worker), Clock::now());
}

Json PoolDriver::find_worker(const std::string& id) const {
  if (const auto view = pool_.worker(id)) return worker_record(*view);
  for (const GoneWorker& gone : remembered_)
    if (gone.id == id) {
      Json record = gone.record;
      add_denials(record, gone.denials);  // some may have come since
      return record;
    }
  return nullptr;
}

std::shared_ptr<LogRing> PoolDriver::lines_of(const std::string& id) const {
  if (const auto found = workers_.find(id); found != workers_.end()) return found->second->output().lines();
  for (const GoneWorker& gone : remembered_)
    if (gone.id == id) return gone.lines;
  return nullptr;
}

}  // namespace herd::daemon

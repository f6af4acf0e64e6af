#include "tests/unit/pool/harness.hpp"

#include <algorithm>
#include <utility>

namespace herd::pool {

namespace {

std::string text(const AnswerAcquire& answer) {
  const std::string request = std::to_string(answer.request);
  if (const auto* denied = std::get_if<Denied>(&answer.outcome))
    return "deny " + request + " " + std::string(name(denied->error));
  const auto& granted = std::get<Granted>(answer.outcome);
  return "grant " + request + " " + granted.session + " " + granted.worker +
         (granted.created ? " new" : " hit");
}

std::string text(const Action& action) {
  if (const auto* start = std::get_if<StartWorker>(&action)) return "start " + start->worker;
  if (const auto* stop = std::get_if<StopWorker>(&action)) {
    std::string what = stop->reason.what.empty() ? "" : "(" + stop->reason.what + ")";
    return "stop " + stop->worker + " " + std::string(name(stop->reason.kind)) + what;
  }
  if (const auto* answer = std::get_if<AnswerAcquire>(&action)) return text(*answer);
  if (const auto* release = std::get_if<ReleaseAnswer>(&action))
    return "released " + release->session + (release->found ? " yes" : " no");
  return {};
}

void append(std::string& all, const std::string& more) {
  if (!all.empty() && !more.empty()) all += "; ";
  all += more;
}

}  // namespace

config::PoolSpec spec_of(int min, int max, int spare) {
  config::PoolSpec spec;
  spec.name = "x";
  spec.command = {"/bin/worker"};
  spec.workers.min = min;
  spec.workers.max = max;
  spec.workers.spare = spare;
  return spec;
}

World::World(config::PoolSpec spec) : pool_(std::move(spec), ids_) {
  step(TimerFired{});
}

std::string World::step(const Event& event) {
  last_.clear();
  return take(pool_.step(event, now_));
}

std::string World::acquire(RequestId request, const SessionName& session, std::optional<Duration> timeout,
                           std::optional<config::Lease> lease) {
  return step(Acquire{request, session, timeout, lease});
}

std::string World::hold(RequestId request, const SessionName& session) {
  return acquire(request, session, {}, config::Lease::connection);
}

std::string World::ready(const WorkerId& worker) {
  std::string all = step(WorkerBecameReady{worker});
  append(all, take(pool_.step(WorkerVerified{worker}, now_)));
  return all;
}

std::string World::gone(const WorkerId& worker, ReasonKind kind) {
  return step(WorkerGone{worker, Reason{.kind = kind}});
}

std::string World::wait(Duration duration) {
  last_.clear();
  std::string all;
  const Time end = now_ + duration;
  while (timer_ && *timer_ <= end) {
    now_ = std::max(now_, *timer_);
    timer_.reset();
    append(all, take(pool_.step(TimerFired{}, now_)));
  }
  now_ = end;
  return all;
}

std::string World::settle() {
  std::string all;
  last_.clear();
  for (bool again = true; std::exchange(again, false);) {
    for (const WorkerView& worker : pool_.workers()) {
      if (worker.state == WorkerState::idle || worker.state == WorkerState::bound) continue;
      again = true;
      if (worker.state == WorkerState::stopping) {
        append(all, take(pool_.step(WorkerGone{worker.id, Reason{}}, now_)));
        continue;
      }
      append(all, take(pool_.step(WorkerBecameReady{worker.id}, now_)));
      append(all, take(pool_.step(WorkerVerified{worker.id}, now_)));
    }
  }
  return all;
}

std::string World::workers() const {
  std::string all;
  for (const WorkerView& worker : pool_.workers()) {
    if (!all.empty()) all += ", ";
    all += worker.id + " " + std::string(name(worker.state));
    if (worker.session) all += " " + *worker.session;
  }
  return all;
}

int World::count(WorkerState state) const {
  const auto all = pool_.workers();
  return static_cast<int>(
      std::count_if(all.begin(), all.end(), [state](const auto& worker) { return worker.state == state; }));
}

int World::emitted(const std::string& type) const {
  return static_cast<int>(std::count_if(last_.begin(), last_.end(), [&type](const Action& action) {
    const auto* event = std::get_if<Emit>(&action);
    return event != nullptr && event->type == type;
  }));
}

Emit World::last_emitted(const std::string& type) const {
  for (auto it = last_.rbegin(); it != last_.rend(); ++it)
    if (const auto* event = std::get_if<Emit>(&*it); event != nullptr && event->type == type) return *event;
  return {};
}

Denied World::last_denied() const {
  for (auto it = last_.rbegin(); it != last_.rend(); ++it)
    if (const auto* answer = std::get_if<AnswerAcquire>(&*it))
      if (const auto* denied = std::get_if<Denied>(&answer->outcome)) return *denied;
  return {};
}

int World::timer_changes() const {
  return static_cast<int>(std::count_if(last_.begin(), last_.end(), [](const Action& action) {
    return std::holds_alternative<SetTimer>(action) || std::holds_alternative<ClearTimer>(action);
  }));
}

std::string World::take(std::vector<Action> actions) {
  std::string all;
  for (Action& action : actions) {
    append(all, text(action));
    if (const auto* set = std::get_if<SetTimer>(&action)) timer_ = set->at;
    if (std::holds_alternative<ClearTimer>(action)) timer_.reset();
    last_.push_back(std::move(action));
  }
  return all;
}

}  // namespace herd::pool

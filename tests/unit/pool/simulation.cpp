#include "tests/unit/pool/simulation.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace herd::pool {

namespace {

/// Each life has a pool definition, a temper of its clients and a rate of faults of its own.
constexpr std::uint64_t kStepsOfALife = 2000;
constexpr std::uint64_t kStepsBetweenRests = 500;

Duration ms(int count) {
  return Duration(count);
}

}  // namespace

Simulation::Simulation(std::uint64_t seed) : seed_(seed), random_(seed) {}

void Simulation::run(std::uint64_t steps) {
  try {
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (i % kStepsOfALife == 0) begin_life();
      random_step();
      if (i % kStepsBetweenRests == kStepsBetweenRests - 1) settle();
      if (i % kStepsOfALife == kStepsOfALife - 1) end_life();
    }
  } catch (const std::exception& broken) {
    throw Broken("seed " + std::to_string(seed_) + ", step " + std::to_string(steps_) + ": " + broken.what());
  }
}

void Simulation::begin_life() {
  names_ = number(1, 20);
  const int rates[] = {0, 3, 15, 60};
  crash_percent_ = rates[number(0, 3)];
  model_ = std::make_unique<Model>();
  pool_ = std::make_unique<Pool>(random_spec(), ids_);
  send(TimerFired{});
}

void Simulation::end_life() {
  send(Shutdown{});
  if (!model_->pending().empty()) throw Broken("requests are left after shutdown");
  while (!model_->workers().empty()) send(WorkerGone{model_->workers().begin()->first, Reason{}});
  if (!pool_->finished()) throw Broken("not finished after shutdown");
}

/// Everything goes well now: whatever starts gets ready, whatever stops goes.
void Simulation::settle() {
  send(Resume{});
  for (int rounds = 0; rounds < 1000; ++rounds) {
    bool quiet = true;
    for (const WorkerView& worker : pool_->workers()) {
      if (worker.state == WorkerState::idle || worker.state == WorkerState::bound) continue;
      quiet = false;
      if (worker.state == WorkerState::starting) send(WorkerBecameReady{worker.id});
      if (worker.state == WorkerState::verifying) send(WorkerVerified{worker.id});
      if (worker.state == WorkerState::stopping) send(WorkerGone{worker.id, Reason{}});
    }
    if (quiet) return model_->check_settled(*pool_);
  }
  throw Broken("does not settle");
}

void Simulation::random_step() {
  pass_time();
  if (const auto timer = model_->timer(); timer && *timer <= now_ && chance(90)) return send(TimerFired{});
  send(random_event());
}

void Simulation::pass_time() {
  const int dice = number(1, 1000);
  if (dice > 500) return;
  if (dice > 50) {
    now_ += ms(number(1, 50));
  } else if (dice > 5) {
    now_ += ms(number(1, 5000));
  } else if (model_->timer()) {
    now_ = std::max(now_, *model_->timer());
  }
  if (dice == 1) now_ += std::chrono::hours(number(1, 48));  // the clock jumps: a host that slept
}

Event Simulation::random_event() {
  const int dice = number(1, 1000);
  if (dice <= 480) return client_event();
  if (dice <= 975) return worker_event();
  return operator_event();
}

Event Simulation::client_event() {
  const int dice = number(1, 100);
  if (dice <= 55) return acquire();
  if (dice <= 65) return CancelAcquire{some_request()};
  if (dice <= 80) return LeaseClosed{some_request(), ms(chance(50) ? 0 : number(1, 100'000))};
  if (dice <= 93) return Release{session()};
  const auto sessions = pool_->sessions();
  if (sessions.empty() || chance(10)) return Hold{++last_request_, session(), "x-1"};
  const auto& held = sessions[static_cast<std::size_t>(number(0, static_cast<int>(sessions.size()) - 1))];
  return Hold{++last_request_, held.name, held.worker};
}

Event Simulation::acquire() {
  Acquire event{++last_request_, session(), {}, {}};
  const int dice = number(1, 10);
  if (dice == 1) event.timeout = ms(0);
  if (dice == 2) event.timeout = Duration::max();
  if (dice >= 7) event.timeout = ms(number(1, 3000));
  if (chance(30)) event.lease = chance(50) ? config::Lease::connection : config::Lease::idle;
  return event;
}

Event Simulation::worker_event() {
  const auto& workers = model_->workers();
  if (workers.empty() || chance(1)) return WorkerGone{"x-0", crash()};
  const auto& [id, known] = *std::next(workers.begin(), number(0, static_cast<int>(workers.size()) - 1));
  const WorkerState state = pool_->worker(id)->state;
  if (chance(4)) return WorkerVerified{id};  // lost, late or doubled words
  if (chance(4)) return WorkerBecameReady{id};
  if (chance(2)) return WorkerIsUnhealthy{id};
  if (chance(5)) return WorkerMemory{id, mib(static_cast<std::uint64_t>(number(1, 120)))};
  const bool serves = state == WorkerState::idle || state == WorkerState::bound;
  if (state != WorkerState::stopping && chance(serves ? crash_percent_ / 3 : crash_percent_))
    return WorkerGone{id, crash()};
  switch (state) {
    case WorkerState::starting:
      return WorkerBecameReady{id};
    case WorkerState::verifying:
      return WorkerVerified{id};
    case WorkerState::stopping:
      return WorkerGone{id, chance(80) ? Reason{} : crash()};
    default:
      return acquire();
  }
}

Event Simulation::operator_event() {
  const auto some = [this](int to) { return chance(50) ? std::optional(number(0, to)) : std::nullopt; };
  const int dice = number(1, 100);
  if (dice <= 20) return Scale{some(4), some(10), some(3)};
  if (dice <= 30) return Drain{};
  if (dice <= 55) return Resume{};
  if (dice <= 70) return Restart{};
  if (dice <= 85) return Configure{random_spec(), chance(50)};
  if (model_->workers().empty()) return TimerFired{};
  return StopWorkerRequest{model_->workers().begin()->first};
}

config::PoolSpec Simulation::random_spec() {
  config::PoolSpec spec = spec_of(0, number(1, 10), number(0, 3));
  spec.workers.min = number(0, std::min(4, spec.workers.max));
  spec.workers.start_concurrency = number(1, 4);
  auto& sessions = spec.sessions;
  sessions.lease = chance(70) ? config::Lease::idle : config::Lease::connection;
  sessions.reuse = chance(50);
  sessions.queue_limit = number(0, 12);
  sessions.acquire_timeout = ms(number(0, 5000));
  sessions.idle_timeout = chance(20) ? std::nullopt : std::optional(ms(number(1, 10000)));
  sessions.max_lifetime = chance(60) ? std::nullopt : std::optional(ms(number(100, 20000)));
  spec.restart.backoff_min = ms(number(0, 100));
  spec.restart.backoff_max = ms(number(100, 2000));
  spec.restart.reset_after = ms(number(100, 10000));
  spec.restart.burst = chance(30) ? std::numeric_limits<int>::max() : number(1, 8);
  spec.restart.window = ms(number(10, 10000));
  if (chance(40)) spec.recycle.sessions = number(1, 5);
  if (chance(30)) spec.recycle.age = ms(number(500, 20000));
  if (chance(30)) spec.recycle.memory = mib(100);
  return spec;
}

void Simulation::send(const Event& event) {
  ++steps_;
  if (std::holds_alternative<TimerFired>(event)) model_->timer_fired();
  model_->before(event, *pool_, now_);
  for (const Action& action : pool_->step(event, now_)) model_->action(action);
  model_->check(*pool_, now_);
}

/// One that waits, one of the last ones whatever became of it, or one that never was.
RequestId Simulation::some_request() {
  const auto& pending = model_->pending();
  if (!pending.empty() && chance(50))
    return std::next(pending.begin(), number(0, static_cast<int>(pending.size()) - 1))->first;
  return last_request_ + 5 -
         static_cast<RequestId>(number(0, static_cast<int>(std::min<RequestId>(40, last_request_))));
}

Reason Simulation::crash() {
  const ReasonKind kinds[] = {ReasonKind::exited,       ReasonKind::signaled,      ReasonKind::oom_killed,
                              ReasonKind::setup_failed, ReasonKind::not_verified,  ReasonKind::ready_timeout,
                              ReasonKind::unhealthy,    ReasonKind::denied_syscall};
  return Reason{.kind = kinds[number(0, 7)]};
}

int Simulation::number(int from, int to) {
  // Not std::uniform_int_distribution: its results differ from library to library, and a seed must not.
  return from + static_cast<int>(random_() % (static_cast<std::uint64_t>(to - from) + 1));
}

}  // namespace herd::pool

#include "daemon/pool/pool.hpp"

#include "daemon/pool/machine.hpp"

namespace herd::pool {

std::string_view name(WorkerState state) {
  switch (state) {
    case WorkerState::starting:
      return "starting";
    case WorkerState::verifying:
      return "verifying";
    case WorkerState::idle:
      return "idle";
    case WorkerState::bound:
      return "bound";
    case WorkerState::stopping:
      return "stopping";
  }
  return "stopping";
}

std::string_view name(PoolState state) {
  switch (state) {
    case PoolState::running:
      return "running";
    case PoolState::draining:
      return "draining";
    case PoolState::failed:
      return "failed";
    case PoolState::stopped:
      return "stopped";
  }
  return "stopped";
}

std::string_view name(AcquireError error) {
  switch (error) {
    case AcquireError::queue_full:
      return "queue_full";
    case AcquireError::timeout:
      return "acquire_timeout";
    case AcquireError::pool_failed:
      return "pool_failed";
    case AcquireError::pool_draining:
      return "pool_draining";
    case AcquireError::stopping:
      return "stopping";
  }
  return "stopping";
}

Pool::Pool(config::PoolSpec spec, IdSource& ids)
    : machine_(std::make_unique<Machine>(std::move(spec), ids)) {}
Pool::~Pool() = default;
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;

std::vector<Action> Pool::step(const Event& event, Time now) {
  return machine_->step(event, now);
}
View Pool::view() const {
  return machine_->view();
}
std::vector<WorkerView> Pool::workers() const {
  return machine_->workers();
}
std::vector<SessionView> Pool::sessions() const {
  return machine_->sessions();
}
std::optional<WorkerView> Pool::worker(const WorkerId& id) const {
  return machine_->worker(id);
}
std::optional<SessionView> Pool::session(const SessionName& name) const {
  return machine_->session(name);
}
const config::PoolSpec& Pool::spec() const {
  return machine_->spec();
}
bool Pool::finished() const {
  return machine_->finished();
}

}  // namespace herd::pool

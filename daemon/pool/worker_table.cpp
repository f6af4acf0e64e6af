#include "daemon/pool/worker_table.hpp"

namespace herd::pool {

Worker& WorkerTable::add(WorkerId id, Generation generation, Time now) {
  const std::uint64_t number = ++last_number_;
  Worker& worker = all_[number];
  worker.id = std::move(id);
  worker.number = number;
  worker.generation = generation;
  worker.started = now;
  by_id_[worker.id] = &worker;
  index(worker);
  return worker;
}

void WorkerTable::erase(Worker& worker) {
  unindex(worker);
  by_id_.erase(worker.id);
  all_.erase(all_.find(worker.number));
}

void WorkerTable::move(Worker& worker, WorkerState state) {
  unindex(worker);
  worker.state_ = state;
  index(worker);
}

void WorkerTable::set_outdated(Worker& worker, bool outdated) {
  if (worker.outdated_ == outdated) return;
  unindex(worker);
  worker.outdated_ = outdated;
  index(worker);
}

Worker* WorkerTable::find(const WorkerId& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const Worker* WorkerTable::find(const WorkerId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void WorkerTable::index(Worker& worker) {
  ++counts_[static_cast<std::size_t>(worker.state_)];
  if (worker.state_ == WorkerState::idle)
    (worker.outdated_ ? outdated_ : fresh_).emplace(std::pair(worker.ready, worker.number), &worker);
}

void WorkerTable::unindex(const Worker& worker) {
  --counts_[static_cast<std::size_t>(worker.state_)];
  if (worker.state_ == WorkerState::idle)
    (worker.outdated_ ? outdated_ : fresh_).erase(std::pair(worker.ready, worker.number));
}

}  // namespace herd::pool

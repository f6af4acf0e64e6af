#include "daemon/pool/machine.hpp"

#include <algorithm>

namespace herd::pool {

Pool::Machine::Machine(config::PoolSpec spec, IdSource& ids) : spec_(std::move(spec)), ids_(ids) {
  set_limits(spec_.workers.min, spec_.workers.max, spec_.workers.spare);
}

std::vector<Action> Pool::Machine::step(const Event& event, Time now) {
  now_ = std::max(now_, now);
  run_due();
  std::visit([this](const auto& what) { on(what); }, event);
  // Most steps are hits on living sessions: they leave the workers as they are.
  if (std::exchange(changed_, false)) reconcile();
  set_timer();
  return std::exchange(actions_, {});
}

void Pool::Machine::emit(std::string type, std::string message) {
  actions_.push_back(Emit{std::move(type), {}, {}, std::nullopt, std::move(message)});
}

void Pool::Machine::emit_worker(std::string type, const Worker& worker, std::optional<Reason> reason) {
  std::string message = reason ? describe(*reason) : std::string();
  actions_.push_back(Emit{std::move(type), worker.id, worker.session, std::move(reason), std::move(message)});
}

}  // namespace herd::pool

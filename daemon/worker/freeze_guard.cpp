#include "daemon/worker/freeze_guard.hpp"

#include "daemon/worker/executor.hpp"
#include "protocol/launch/owner_line.hpp"

namespace herd::worker {

Result<denials::HoldBack::Guard> start_freeze_guard(const UniqueFd& program) {
  HERD_TRY(auto starting, StartingExecutor::start(program.get(), {"freeze-guard"}, launch::kGuardFrozen, {}));
  HERD_TRY(Executor executor, std::move(starting).finish());
  const auto process = std::make_shared<Executor>(Executor{{}, std::move(executor.pidfd)});
  return denials::HoldBack::Guard{std::move(executor.line), [process] { end_executor(*process); }};
}

}  // namespace herd::worker

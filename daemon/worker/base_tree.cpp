#include "daemon/worker/base_tree.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>

#include "common/kernel/seqpacket.hpp"
#include "daemon/worker/executor.hpp"
#include "protocol/launch/owner_line.hpp"

namespace herd::worker {
namespace {

constexpr int kLongestBuildMs = 10'000;

Result<UniqueFd> receive_namespace(int line) {
  pollfd entry{line, POLLIN, 0};
  if (poll(&entry, 1, kLongestBuildMs) != 1) return fail_errno("herd-exec built no base tree", ETIMEDOUT);
  HERD_TRY(kernel::Message message, kernel::receive_message(line, false));
  if (message.text == launch::kBaseTree && message.fds.size() == 1) return std::move(message.fds.front());
  HERD_TRY(const launch::FromExec said, launch::parse_from_exec(message.text));
  if (const auto* failed = std::get_if<launch::Failed>(&said))
    return fail_errno(failed->stage + ": " + failed->message, failed->errno_value);
  return fail("herd-exec answered '" + message.text + "'");
}

}  // namespace

Result<int> BaseTree::get() {
  pollfd changes{changes_fd(), POLLPRI, 0};
  if (changes.fd >= 0 && poll(&changes, 1, 0) != 0) drop();
  if (!namespace_)
    if (auto built = build(); !built) return fail_in("base tree", built.error());
  return namespace_.get();
}

Status BaseTree::build() {
  // Opened before the tree is cloned: a change in between is then seen as one.
  mountinfo_ = UniqueFd(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mountinfo_) return fail_errno("open '/proc/self/mountinfo'");
  HERD_TRY(auto starting,
           StartingExecutor::start(program_.get(), {"base-tree", CLONE_NEWNS}, launch::kBuildBaseTree, {}));
  HERD_TRY(const Executor executor, std::move(starting).finish());
  auto built = receive_namespace(executor.line.get());
  end_executor(executor);
  if (!built) return tl::make_unexpected(built.error());
  namespace_ = std::move(*built);
  return {};
}

}  // namespace herd::worker

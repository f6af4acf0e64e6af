#include "daemon/worker/base_tree.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"
#include "daemon/worker/executor.hpp"
#include "protocol/launch/owner_line.hpp"

namespace herd::worker {
namespace {

constexpr int kLongestBuildMs = 10'000;
constexpr std::size_t kMaxFileList = 1 << 20;
/// Pools come and go, so what is kept is bounded; each costs an fd. One that is built again costs
/// milliseconds.
constexpr std::size_t kMostTrees = 32;

Result<kernel::Message> receive_tree(int line) {
  pollfd entry{line, POLLIN, 0};
  if (poll(&entry, 1, kLongestBuildMs) != 1) return fail_errno("herd-exec built no base tree", ETIMEDOUT);
  HERD_TRY(kernel::Message message, kernel::receive_message(line, false));
  if (message.text == launch::kBaseTree && message.fds.size() == 2) return message;
  HERD_TRY(const launch::FromExec said, launch::parse_from_exec(message.text));
  if (const auto* failed = std::get_if<launch::Failed>(&said))
    return tl::make_unexpected(Error{failed->message, failed->errno_value});
  return fail("herd-exec answered '" + message.text + "'");
}

bool is_unchanged(const launch::UsedFile& file) {
  struct stat info {};
  return stat(file.path.c_str(), &info) == 0 && launch::used_file(file.path, info) == file;
}

}  // namespace

Result<int> BaseTrees::get(const launch::Root& root) {
  pollfd changes{changes_fd(), POLLPRI, 0};
  if (changes.fd >= 0 && poll(&changes, 1, 0) != 0) drop();
  const auto found = std::ranges::find(trees_, root, &Tree::root);
  if (found != trees_.end() && std::ranges::all_of(found->files, is_unchanged)) {
    trees_.splice(trees_.begin(), trees_, found);
  } else {
    if (found != trees_.end()) trees_.erase(found);
    auto built = build(root);
    if (!built) return fail_in("base tree", built.error());
    trees_.push_front(std::move(*built));
    if (trees_.size() > kMostTrees) trees_.pop_back();
  }
  return trees_.front().mount_namespace.get();
}

Result<BaseTrees::Tree> BaseTrees::build(const launch::Root& root) {
  // Opened before a tree is cloned: a change in between is then seen as one.
  if (trees_.empty()) mountinfo_ = UniqueFd(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mountinfo_) return fail_errno("open '/proc/self/mountinfo'");
  return ask_executor(root);
}

Result<BaseTrees::Tree> BaseTrees::ask_executor(const launch::Root& root) const {
  HERD_TRY(const std::string text, launch::to_json(root));
  HERD_TRY(const UniqueFd order, kernel::sealed_memfd("root", text));
  HERD_TRY(auto starting, StartingExecutor::start(program_.get(), {"base-tree", CLONE_NEWNS},
                                                  launch::kBuildBaseTree, std::array{order.get()}));
  HERD_TRY(const Executor executor, std::move(starting).finish());
  auto answer = receive_tree(executor.line.get());
  end_executor(executor);
  if (!answer) return tl::make_unexpected(answer.error());
  HERD_TRY(const std::string files, kernel::read_memfd(answer->fds[1].get(), kMaxFileList));
  HERD_TRY(std::vector<launch::UsedFile> used, launch::parse_used_files(files));
  return Tree{root, std::move(answer->fds[0]), std::move(used)};
}

}  // namespace herd::worker

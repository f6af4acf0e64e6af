#include "daemon/worker/base_tree.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"
#include "protocol/launch/owner_line.hpp"

namespace herd::worker {
namespace {

constexpr int kLongestBuildMs = 10'000;
constexpr std::chrono::milliseconds kLongestEnd{1000};
constexpr std::size_t kMaxFileList = 1 << 20;
/// Pools come and go, so what is kept is bounded; each costs an fd. One that is built again costs
/// milliseconds.
constexpr std::size_t kMostTrees = 32;

Result<kernel::Message> receive_tree(int line) {
  pollfd entry{line, POLLIN, 0};
  if (poll(&entry, 1, kLongestBuildMs) != 1) return fail_errno("herd-exec built no base tree", ETIMEDOUT);
  HERD_TRY(kernel::Message message, kernel::receive_message(line, false));
  if (message.text.empty()) return fail("herd-exec ended while it built it");
  if (message.text == launch::kBaseTree && message.fds.size() == 2) return message;
  HERD_TRY(const launch::FromExec said, launch::parse_from_exec(message.text));
  if (const auto* failed = std::get_if<launch::Failed>(&said))
    return tl::make_unexpected(Error{failed->message, failed->errno_value});
  return fail("herd-exec answered '" + message.text + "'");
}

/// What the kernel knows of it without asking a server: this runs before each start.
bool is_unchanged(const launch::UsedFile& file) {
  struct statx info {};
  constexpr int kFlags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (statx(AT_FDCWD, file.path.c_str(), kFlags, STATX_INO | STATX_CTIME, &info) != 0) return false;
  const std::int64_t changed = info.stx_ctime.tv_sec * 1'000'000'000LL + info.stx_ctime.tv_nsec;
  return makedev(info.stx_dev_major, info.stx_dev_minor) == file.device && info.stx_ino == file.inode &&
         (file.changed_ns == 0 || changed == file.changed_ns);
}

}  // namespace

Result<BaseTrees::Copyable> BaseTrees::get(const launch::Root& root) {
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
  const Tree& tree = trees_.front();
  const auto directory = std::ranges::find(tree.files, root.directory, &launch::UsedFile::path);
  return Copyable{tree.mount_namespace.get(),
                  directory == tree.files.end() ? launch::UsedFile{} : *directory};
}

Result<BaseTrees::Tree> BaseTrees::build(const launch::Root& root) {
  // Opened before a tree is cloned: a change in between is then seen as one.
  if (trees_.empty()) mountinfo_ = UniqueFd(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mountinfo_) return fail_errno("open '/proc/self/mountinfo'");
  return ask_executor(root);
}

Result<BaseTrees::Tree> BaseTrees::ask_executor(const launch::Root& root) {
  if (stuck_.pidfd && !end_executor_within(stuck_, std::chrono::milliseconds(0)))
    return fail("the herd-exec that built the last one does not end: a filesystem does not answer");
  stuck_ = {};
  HERD_TRY(const std::string text, launch::to_json(root));
  HERD_TRY(const UniqueFd order, kernel::sealed_memfd("root", text));
  HERD_TRY(auto starting, StartingExecutor::start(program_.get(), {"base-tree", CLONE_NEWNS},
                                                  launch::kBuildBaseTree, std::array{order.get()}));
  HERD_TRY(Executor executor, std::move(starting).finish());
  auto answer = receive_tree(executor.line.get());
  if (!end_executor_within(executor, kLongestEnd)) stuck_ = std::move(executor);
  if (!answer) return tl::make_unexpected(answer.error());
  HERD_TRY(const std::string files, kernel::read_memfd(answer->fds[1].get(), kMaxFileList));
  HERD_TRY(std::vector<launch::UsedFile> used, launch::parse_used_files(files));
  return Tree{root, std::move(answer->fds[0]), std::move(used)};
}

}  // namespace herd::worker

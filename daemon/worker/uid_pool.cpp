#include "daemon/worker/uid_pool.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace herd::worker {
namespace {

Status lock_byte(int fd, std::uint32_t uid, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = uid;
  lock.l_len = 1;
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return fail_errno("lock uid " + std::to_string(uid));
  return {};
}

}  // namespace

Result<UidPool> UidPool::open(const std::string& lock_file, config::UidsSpec range) {
  UniqueFd file(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("open '" + lock_file + "'");
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return fail_errno("stat '" + lock_file + "'");
  if (info.st_uid != geteuid() || !S_ISREG(info.st_mode))
    return fail("'" + lock_file + "' is not a file of herdd's user: another has put it there; remove it");
  return UidPool(std::move(file), range);
}

UidPool UidPool::without_any(std::string why) {
  UidPool pool({}, {0, 0});
  pool.why_none_ = std::move(why);
  return pool;
}

Result<std::uint32_t> UidPool::take() {
  if (!has_any()) return fail(why_none_);
  for (std::uint32_t tried = 0; tried < range_.count; ++tried) {
    const std::uint32_t uid = range_.first + next_;
    next_ = (next_ + 1) % range_.count;
    if (taken_.contains(uid)) continue;
    const auto locked = lock_byte(file_.get(), uid, F_WRLCK);
    if (!locked && (locked.error().errno_value == EAGAIN || locked.error().errno_value == EACCES)) continue;
    if (!locked) return tl::make_unexpected(locked.error());
    taken_.insert(uid);
    return uid;
  }
  return fail("all " + std::to_string(range_.count) + " uids of the range are taken (herd.json: uids.count)");
}

void UidPool::give_back(std::uint32_t uid) {
  if (taken_.erase(uid) != 0) (void)lock_byte(file_.get(), uid, F_UNLCK);
}

}  // namespace herd::worker

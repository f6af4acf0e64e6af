// Uids for workers with sandbox.user "auto": one of its own for each, never shared by two that live.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "config/daemon_spec.hpp"

namespace herd::worker {

/// A taken uid is a locked byte in one file of the host (OFD locks, fcntl(2)): two daemons with overlapping
/// ranges can't give the same one, and a dead daemon's are free again. Given in rotation, so that a uid is
/// not used again at once.
class UidPool {
 public:
  /// The lock file has to be this process's own or a new one: whoever else could open it could take its
  /// locks.
  static Result<UidPool> open(const std::string& lock_file, config::UidsSpec range);
  /// One that never has any, and says so with `why`.
  static UidPool without_any(std::string why);

  [[nodiscard]] bool has_any() const { return range_.count > 0; }
  Result<std::uint32_t> take();
  void give_back(std::uint32_t uid);

 private:
  UidPool(UniqueFd file, config::UidsSpec range) : file_(std::move(file)), range_(range) {}
  UniqueFd file_;
  config::UidsSpec range_;
  std::string why_none_;
  std::uint32_t next_ = 0;
  std::set<std::uint32_t> taken_;  // by this daemon: its own locks never conflict with each other
};

}  // namespace herd::worker

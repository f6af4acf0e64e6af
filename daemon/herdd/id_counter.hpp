// The numbers in worker ids: never the same one twice on a host, also after a crash.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.hpp"
#include "daemon/pool/pool.hpp"

namespace herd::daemon {

/// Numbers are reserved on disk a block at a time, so a crash skips some and repeats none.
class IdCounter : public pool::IdSource {
 public:
  static Result<IdCounter> open(const std::string& file);

  /// Where the next block can't be reserved (a full disk) it is the clock's microseconds, far above any
  /// count: no number is given twice, and no pool stops for want of one.
  std::uint64_t next() override;

 private:
  IdCounter(std::string file, std::uint64_t reserved)
      : file_(std::move(file)), next_(reserved), reserved_(reserved) {}
  Status reserve();
  std::string file_;
  std::uint64_t from_clock_ = 0;
  std::uint64_t next_, reserved_;  // numbers below reserved_ may be given
};

}  // namespace herd::daemon

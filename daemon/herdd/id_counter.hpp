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

  /// Throws where the next block can't be reserved: a number that might repeat is never given.
  std::uint64_t next() override;

 private:
  IdCounter(std::string file, std::uint64_t reserved) : file_(std::move(file)), next_(reserved), reserved_(reserved) {}
  Status reserve();
  std::string file_;
  std::uint64_t next_, reserved_;  // numbers below reserved_ may be given
};

}  // namespace herd::daemon

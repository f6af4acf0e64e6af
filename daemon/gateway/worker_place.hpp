// Where a worker listens. Shared by the threads.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::gateway {

struct WorkerPlace {
  sockaddr_storage address{};
  socklen_t size = 0;
  UniqueFd path;  // of a unix socket, by which its address names it
  [[nodiscard]] bool is_tcp() const { return address.ss_family == AF_INET; }
};

/// `address` as Granted has it, `path` the fd that came with it.
Result<std::shared_ptr<const WorkerPlace>> worker_place(const std::string& address, UniqueFd path);

}  // namespace herd::gateway

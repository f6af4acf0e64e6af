#include "daemon/herdd/file_closer.hpp"

#include <sys/socket.h>

#include <system_error>
#include <thread>

#include "common/kernel/signals_blocked.hpp"

namespace herd::daemon {

template <typename Work>
void FileCloser::start(Work work) const {
  ++*threads_;
  const kernel::SignalsBlocked blocked;
  try {
    std::thread([threads = threads_, work = std::move(work)]() mutable {
      work();
      --*threads;
    }).detach();
  } catch (const std::system_error&) {
    --*threads_;  // no thread to be had: they were closed right here, with what would have been its function
  }
}

void FileCloser::close(std::vector<UniqueFd> files) const {
  std::erase_if(files, [](const UniqueFd& file) { return !file; });
  if (!files.empty()) start([files = std::move(files)]() mutable { files.clear(); });
}

void FileCloser::close_socket(UniqueFd socket) const {
  start([socket = std::move(socket)]() mutable {
    shutdown(socket.get(), SHUT_RD);  // no more comes, and what did come has an end
    while (recv(socket.get(), nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) > 0) continue;
    socket.reset();
  });
}

}  // namespace herd::daemon

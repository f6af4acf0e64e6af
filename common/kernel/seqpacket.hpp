// Messages with file descriptors over a SOCK_SEQPACKET pair (unix(7)): boundaries kept, end of file when the
// last copy of the other end is closed.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

constexpr std::size_t kMaxMessage = 64 * 1024;
constexpr std::size_t kMaxMessageFds = 32;

struct Message {
  std::string text;  // empty: the other end is closed
  std::vector<UniqueFd> fds;
};

/// Both ends close-on-exec and blocking.
Result<std::array<UniqueFd, 2>> seqpacket_pair();
/// Where the kernel can (Linux 6.16), who sends fds to this unix socket, or to one that it accepts from now
/// on, gets EPERM. Before, whoever receives has to close them, which waits where one is a socket that
/// lingers.
void refuse_fds(int socket);
/// Does not wait and raises no SIGPIPE: a full socket is EAGAIN, a closed one EPIPE.
Status send_message(int fd, std::string_view text, std::span<const int> fds = {});
/// How long the next message is, which stays; EAGAIN as an error where there is none.
Result<std::size_t> next_message_size(int fd);
/// `wait` false: EAGAIN as an error when nothing is there. Received fds are close-on-exec.
Result<Message> receive_message(int fd, bool wait);

}  // namespace herd::kernel

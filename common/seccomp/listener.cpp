#include "common/seccomp/listener.hpp"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

// Newer than the headers of Debian 12 (Linux 6.6).
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace herd::seccomp {
namespace {

/// Under a lock for which the kernel waits until a signal comes.
int order(int fd, unsigned long request, void* argument) {
  int result = 0;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result != 0 && errno == EINTR);
  return result;
}

std::size_t words(std::size_t bytes) {
  return (bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
}

bool is_listener(int fd) {
  std::array<char, Listener::kLink.size() + 1> link{};
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t count = ::readlink(path.c_str(), link.data(), link.size());
  return count >= 0 && std::string_view(link.data(), static_cast<std::size_t>(count)) == Listener::kLink;
}

}  // namespace

Result<Listener> Listener::make(UniqueFd fd) {
  if (!is_listener(fd.get())) return fail("it is no listener of a seccomp filter");
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0)
    return fail_errno("this kernel has no seccomp notifications (Linux 5.5)");
  Listener listener(std::move(fd));
  listener.request_.resize(words(std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif))));
  listener.answer_.resize(words(std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp))));
  return listener;
}

const seccomp_notif* Listener::receive() {
  std::ranges::fill(request_, 0);  // as the kernel wants it
  auto* request = reinterpret_cast<seccomp_notif*>(request_.data());
  return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, request) == 0 ? request : nullptr;
}

bool Listener::still_waits(std::uint64_t id) const {
  return order(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

seccomp_notif_resp& Listener::fresh_answer(std::uint64_t id) {
  std::ranges::fill(answer_, 0);
  auto& answer = *reinterpret_cast<seccomp_notif_resp*>(answer_.data());
  answer.id = id;
  return answer;
}

/// ENOENT: whoever asked is gone.
void Listener::send(seccomp_notif_resp& answer) const {
  (void)order(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void Listener::answer_on_the_callers_processor() const {
  ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

void Listener::go_on(std::uint64_t id) {
  seccomp_notif_resp& answer = fresh_answer(id);
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  send(answer);
}

void Listener::fail_call(std::uint64_t id, int error) {
  seccomp_notif_resp& answer = fresh_answer(id);
  answer.error = -error;
  send(answer);
}

}  // namespace herd::seccomp

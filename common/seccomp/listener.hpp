// The other end of a filter that asks (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)): whoever made such a call
// waits until it is answered here.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::seccomp {

class Listener {
 public:
  /// What the links in /proc/PID/fd say of one (kernel/seccomp.c: init_listener()).
  static constexpr std::string_view kLink = "anon_inode:seccomp notify";
  /// The error says that `fd` is no such listener, or that the kernel has none.
  static Result<Listener> make(UniqueFd fd);

  /// Readable when a call waits; hangs up when nobody has the filter any more (Linux 5.9).
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Null where whoever had asked is gone. Only once fd() is readable: else it waits, whatever fd()'s flags
  /// say, until a signal comes: null, and errno is EINTR. A call that was there is not there any more only
  /// where somebody else has the listener, too. The call is good until the next one.
  const seccomp_notif* receive();
  /// What was read of the call's process in between is of that process.
  [[nodiscard]] bool still_waits(std::uint64_t id) const;

  /// Who waits for the other need not be sent to an idle processor first (Linux 6.6; before, nothing).
  void answer_on_the_callers_processor() const;

  /// The call is made as if there were no filter. Not for calls that are denied: what its pointers lead to
  /// can change in between.
  void go_on(std::uint64_t id);
  /// The call is not made, and fails with that errno.
  void fail_call(std::uint64_t id, int error);

 private:
  explicit Listener(UniqueFd fd) : fd_(std::move(fd)) {}
  seccomp_notif_resp& fresh_answer(std::uint64_t id);
  void send(seccomp_notif_resp& answer) const;

  UniqueFd fd_;
  std::vector<std::uint64_t> request_, answer_;  // the kernel's structs may be longer than the headers'
};

}  // namespace herd::seccomp

// Landlock (Linux 5.13): rules that a process puts on itself and can't take off. See landlock(7). What a
// kernel knows is a number, its ABI; rights that it does not know are left out here, and the caller decides
// whether that will do.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel::landlock {

/// 0: the kernel has none, or it is switched off (lsm=).
int abi();

inline constexpr int kAbiTcp = 4;     // Linux 6.7
inline constexpr int kAbiScopes = 6;  // Linux 6.12: abstract unix sockets and signals

enum class Access {
  look,   // read files and directories, execute
  write,  // the same, and write to what is there
  all,    // the same, and make and remove all but devices
};

/// Rules as they are gathered: what none of them allows is forbidden.
class Ruleset {
 public:
  struct Options {
    bool has_tcp_bind = false, has_tcp_connect = false;  // true: only the ports of rules
  };
  /// Of all that the kernel knows of files, TCP as the options say, and every scope.
  static Result<Ruleset> create(const Options& options);

  /// `path_fd`: O_PATH, of a directory with all below it, or of one file.
  Status allow(int path_fd, Access access);
  Status allow_tcp_bind(std::uint16_t port);
  /// For the calling thread, which has no-new-privs or CAP_SYS_ADMIN. Makes one system call and allocates
  /// nothing where it succeeds.
  [[nodiscard]] Status restrict_self() const;
  /// The kernel's when the rules were made.
  [[nodiscard]] int abi() const { return abi_; }

 private:
  Ruleset(UniqueFd fd, int abi, bool has_tcp_bind)
      : fd_(std::move(fd)), abi_(abi), has_tcp_bind_(has_tcp_bind) {}
  UniqueFd fd_;
  int abi_;
  bool has_tcp_bind_;
};

}  // namespace herd::kernel::landlock

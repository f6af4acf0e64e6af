// The kernel's audit log, listened to: the netlink multicast group AUDIT_NLGRP_READLOG (Linux 3.16). auditd
// and its rules are not touched. What does not fit into the buffer is lost to this listener alone; it is read
// by a thread that does nothing else, as a buffer that fills up slows the kernel's audit thread down.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::denials {

class AuditSocket {
 public:
  enum class Got { record, other, nothing, lost };

  /// Errors say what is missing: CAP_AUDIT_READ over the host's first user namespace, or a kernel with audit.
  /// What comes is filtered in the kernel: nothing but records of denied calls wakes the reader.
  static Result<AuditSocket> open();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Does not wait. `text`: of a record, until the next call. `lost`: records did not fit into the buffer.
  Got receive(std::string_view& text);
  /// How many that was in all, by the kernel's count.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  explicit AuditSocket(UniqueFd fd);
  UniqueFd fd_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace herd::denials

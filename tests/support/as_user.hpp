// Work that is done as somebody else. Only the effective ids change, and they come back: that is what the
// kernel goes by where it opens files and connects (SO_PEERCRED), and a failed expectation still counts.
#pragma once

#include <grp.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

namespace herd::test {

class ActingAs {
 public:
  ActingAs(uid_t uid, gid_t gid) {
    if (::setgroups(0, nullptr) != 0 || ::setegid(gid) != 0 || ::seteuid(uid) != 0)
      throw std::runtime_error("become another user");
  }
  ~ActingAs() { (void)!(::seteuid(0) + ::setegid(0)); }
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
};

/// For good, in a child before its exec.
inline void become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups = {}) {
  if (::setgroups(groups.size(), groups.data()) != 0 || ::setresgid(gid, gid, gid) != 0 ||
      ::setresuid(uid, uid, uid) != 0)
    ::_exit(126);
}

/// What `body` returns, called with that user's ids and no other groups. For a test that is root and has one
/// thread.
template <typename Body>
auto as_user(uid_t uid, gid_t gid, Body body) {
  const ActingAs user(uid, gid);
  return body();
}

}  // namespace herd::test

// Denied calls of processes that are no workers, and whether this host shows any.
#pragma once

#include <sys/types.h>

#include "tests/support/test_daemon.hpp"

namespace herd::test {

/// Whether the kernel's record of one comes: tried once.
bool can_see_denials();

/// A child, with that uid, makes so many calls that a filter of its own denies; waits for its end.
void make_denied_calls(int count, uid_t uid);

/// Asks again and again until the daemon knows whether it sees denied calls: its status.
Json status_when_tested(TestDaemon& daemon);

}  // namespace herd::test

// What a test needs of its host: HERD_NEEDS(keys_are_there(), "kernel keys") skips the test with the reason,
// or fails it where HERD_REQUIRE_KERNEL=1 says that this host should have all. HERD_ONLY_WITH(v1, "cgroup
// v1") is for what a host in good order may well not have, as it has the other kind: the test is skipped
// there in any case.
#pragma once

#include <gtest/gtest.h>

namespace herd::test {

/// True where a missing fact is a failure.
bool requires_kernel();

bool kernel_is_at_least(int major, int minor);

/// What the tests of this host all stand on: root, a cgroup tree, clone3 with CLONE_INTO_CGROUP.
bool can_run_workers();

}  // namespace herd::test

#define HERD_NEEDS(fact, what)                                                    \
  do {                                                                            \
    if (!(fact)) {                                                                \
      if (::herd::test::requires_kernel()) FAIL() << "this host lacks: " << what; \
      GTEST_SKIP() << "this host lacks: " << what;                                \
    }                                                                             \
  } while (false)

#define HERD_ONLY_WITH(fact, what)                                            \
  do {                                                                        \
    if (!(fact)) GTEST_SKIP() << "this host is of another kind: no " << what; \
  } while (false)

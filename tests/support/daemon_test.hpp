// The fixture of tests with one daemon: whatever the test did, at its end the daemon stops well and leaves
// nothing.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/needs.hpp"
#include "tests/support/test_daemon.hpp"
#include "tests/support/worker_client.hpp"

namespace herd::test {

class DaemonTest : public ::testing::Test {
 protected:
  explicit DaemonTest(DaemonOptions options = {}) : daemon_(std::move(options)) {}
  void SetUp() override { HERD_NEEDS(can_run_workers(), "root and a cgroup tree"); }
  void TearDown() override;

  /// Writes the pool file and starts the daemon: for tests with one pool.
  void start_with(const std::string& pool, const Json& spec);
  /// Acquires the session and asks its worker.
  Json ask_session(const std::string& pool, const std::string& session, const std::string& path);

  TestDaemon daemon_;
};

}  // namespace herd::test

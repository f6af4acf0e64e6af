#include "tests/support/daemon_test.hpp"

#include <iostream>

namespace herd::test {

void DaemonTest::TearDown() {
  if (daemon_.is_running()) daemon_.stop();
  if (HasFailure()) std::cerr << "---- the daemon's log\n" << daemon_.log() << "----\n";
}

void DaemonTest::start_with(const std::string& pool, const Json& spec) {
  daemon_.write_pool(pool, spec);
  daemon_.start();
}

Json DaemonTest::ask_session(const std::string& pool, const std::string& session, const std::string& path) {
  return ask(daemon_.acquire(pool, session).at("address"), path);
}

}  // namespace herd::test

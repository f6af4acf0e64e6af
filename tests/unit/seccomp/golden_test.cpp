// The preset as reviewed text. After a wanted change: HERD_UPDATE_GOLDEN=1 unit_seccomp
// --gtest_filter='Golden.*', then read the diff.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/seccomp/dump.hpp"
#include "common/seccomp/presets.hpp"

namespace herd::seccomp {
namespace {

TEST(Golden, WorkerErrno) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "golden" / "worker-errno.txt";
  const std::string now = dump(preset("worker").value(), Policy::errno_, Arch::x86_64);
  if (std::getenv("HERD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file) << now;
    GTEST_SKIP() << "wrote " << file;
  }
  std::ifstream stream(file);
  const std::string golden{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(golden, now) << "if this change is wanted: HERD_UPDATE_GOLDEN=1 and read the diff of " << file;
}

}  // namespace
}  // namespace herd::seccomp

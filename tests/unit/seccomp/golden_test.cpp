// The preset as reviewed text. After a wanted change: HERD_UPDATE_GOLDEN=1 unit_seccomp
// --gtest_filter='Golden.*' with the newest libseccomp, then read the diff.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/seccomp/dump.hpp"
#include "common/seccomp/presets.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

/// Without the lines of calls that this libseccomp has not heard of.
std::string known_lines(std::istream& stream) {
  std::string text;
  for (std::string line; std::getline(stream, line);)
    if (is_syscall_name(line.substr(0, line.find(' ')))) text += line + "\n";
  return text;
}

TEST(Golden, WorkerErrno) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "golden" / "worker-errno.txt";
  const std::string now = dump(preset("worker").value(), Policy::errno_, Arch::x86_64);
  if (std::getenv("HERD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file) << now;
    GTEST_SKIP() << "wrote " << file;
  }
  std::ifstream stream(file);
  EXPECT_EQ(known_lines(stream), now)
      << "if this change is wanted: HERD_UPDATE_GOLDEN=1 and read the diff of " << file;
}

}  // namespace
}  // namespace herd::seccomp

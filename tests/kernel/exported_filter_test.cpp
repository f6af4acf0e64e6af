// A filter that herdctl exports, put on by another program: bubblewrap takes it as the bytes of a descriptor.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/unique_fd.hpp"
#include "tests/support/herdctl.hpp"
#include "tests/support/host.hpp"
#include "tests/support/needs.hpp"

namespace herd::test {
namespace {

constexpr int kFilterFd = 9;

class ExportedFilter : public ::testing::Test {
 protected:
  /// What the shell in bubblewrap, with the profile's filter on it, ends with.
  Ran run(const std::string& profile, const std::string& script) {
    const std::string file = directory_.path() + "/filter.bpf";
    const Ran exported = Herdctl("").run({"seccomp", "export", profile, "--to", file});
    EXPECT_EQ(exported.code, 0) << exported.err;
    const UniqueFd filter(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const std::string out = directory_.path() + "/out", err = directory_.path() + "/err";
    Process process({"/usr/bin/bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--seccomp",
                     std::to_string(kFilterFd), "--", "/bin/sh", "-c", script},
                    {{"PATH=/usr/bin:/bin"}, [&filter] { dup2(filter.get(), kFilterFd); }, out, err});
    const auto status = process.wait(kPatience);
    EXPECT_TRUE(status && WIFEXITED(*status));
    return {status ? WEXITSTATUS(*status) : -1, text_of(out), text_of(err)};
  }
  TemporaryDirectory directory_;
};

TEST_F(ExportedFilter, AllowsAndDeniesUnderBubblewrap) {
  HERD_NEEDS(geteuid() == 0, "root");
  const Ran allowed = run("worker", "echo from inside | cat");
  EXPECT_EQ(allowed.code, 0) << allowed.err;
  EXPECT_EQ(allowed.out, "from inside\n");
  const Ran denied = run("worker", "unshare --user true");
  EXPECT_NE(denied.code, 0);
  EXPECT_NE(denied.err.find("Operation not permitted"), std::string::npos) << denied.err;
  EXPECT_EQ(run("docker", "exit 3").code, 3);
}

TEST_F(ExportedFilter, OfTheStrictProfileStartsNoProcess) {
  HERD_NEEDS(geteuid() == 0, "root");
  const Ran ran = run("strict", "/bin/true & wait");
  EXPECT_NE(ran.code, 0);
  EXPECT_NE(ran.err.find("Cannot fork"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace herd::test

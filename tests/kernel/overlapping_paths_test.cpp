// hide, read_only and writable of one pool, one inside the other: what is said of a path holds, in whatever
// list.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class OverlappingPaths : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    shared_ = daemon_.directory() + "/shared";
    for (const char* name : {"", "/secret", "/fixed"}) {
      std::filesystem::create_directory(shared_ + name);
      ::chmod((shared_ + name).c_str(), 0777);
    }
    std::ofstream(shared_ + "/secret/key") << "the key\n";
  }

  /// What a shell in the worker's place says to `script`.
  std::vector<std::string> output_of(const std::string& script, const Json& filesystem) {
    start_with(
        "a", {{"command", {"/bin/sh", "-c", "cd " + shared_ + "; " + script + "; echo end; exec sleep 1000"}},
              {"listen", "none"},
              {"ready", {{"started", true}}},
              {"stop", {{"grace", "200ms"}}},
              {"sandbox", {{"seccomp", {{"enter", "exec"}}}, {"filesystem", filesystem}}}});
    const std::string worker = daemon_.wait_until_ready("a").at("id");
    std::vector<std::string> lines;
    daemon_.wait_for_line(worker, [&](const Json& line) {
      lines.push_back(line.at("text"));
      return lines.back() == "end";
    });
    return lines;
  }

  std::string shared_;
};

TEST_F(OverlappingPaths, AWritableParentOpensNeitherWhatIsHiddenNorWhatIsReadOnly) {
  const auto lines = output_of(
      "cat secret/key 2>/dev/null || echo hidden; echo x 2>/dev/null >fixed/file || echo fixed; echo x >file "
      "&& echo written",
      {{"hide", {shared_ + "/secret"}}, {"read_only", {shared_ + "/fixed"}}, {"writable", {shared_}}});
  EXPECT_EQ(lines, (std::vector<std::string>{"hidden", "fixed", "written", "end"}));
  EXPECT_TRUE(std::filesystem::exists(shared_ + "/file"));
  EXPECT_FALSE(std::filesystem::exists(shared_ + "/fixed/file"));
}

TEST_F(OverlappingPaths, AWritablePathMayBeALink) {
  const std::string link = daemon_.directory() + "/link";
  std::filesystem::create_directory_symlink("shared", link);
  const auto lines = output_of("echo x >file && echo written", {{"writable", {link, shared_}}});
  EXPECT_EQ(lines, (std::vector<std::string>{"written", "end"}));
}

}  // namespace
}  // namespace herd::test

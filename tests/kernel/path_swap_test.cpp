// Paths of a pool file on which others may swap a directory for a symlink while workers are set up (pitfall
// 42; CVE-2025-31133, -52565).
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/daemon_test.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

constexpr int kStarts = 40;

/// Exchanges the two in one step, again and again: at each moment there is one of them at either name.
class Swapper {
 public:
  Swapper(std::string one, std::string other) : one_(std::move(one)), other_(std::move(other)) {}
  ~Swapper() {
    is_wanted_ = false;
    thread_.join();
  }

 private:
  void run() const {
    while (is_wanted_) ::renameat2(AT_FDCWD, one_.c_str(), AT_FDCWD, other_.c_str(), RENAME_EXCHANGE);
  }
  std::string one_, other_;
  std::atomic<bool> is_wanted_ = true;
  std::thread thread_{[this] { run(); }};
};

void make_directory(const std::string& path, mode_t mode) {
  fs::create_directories(path);
  ::chmod(path.c_str(), mode);
}

class PathSwap : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    make_directory(theirs_, 0777);
    make_directory(theirs_ + "/place", 0777);
    make_directory(outside_, 0777);
    std::ofstream(theirs_ + "/place/mark") << "this-is-inside\n";
    std::ofstream(outside_ + "/mark") << "this-is-outside\n";
    fs::create_directory_symlink(outside_, theirs_ + "/link");
  }
  /// A shell that looks at the place and writes there, then ends; its pool starts the next one.
  Json pool(const Json& filesystem) const {
    const std::string script = "cat " + theirs_ + "/place/mark; echo x > " + theirs_ + "/place/written";
    return {{"command", {"/bin/sh", "-c", script}},
            {"listen", "none"},
            {"ready", {{"started", true}}},
            {"workers", {{"min", 1}, {"max", 1}, {"spare", 0}}},
            {"restart", {{"backoff_min", "1ms"}, {"backoff_max", "1ms"}, {"burst", 10'000}}},
            {"sandbox", {{"seccomp", {{"enter", "exec"}}}, {"filesystem", filesystem}}}};
  }
  struct Ends {
    int set_up = 0, refused = 0;
  };
  Ends ends_of_workers() {
    Ends ends;
    std::uint64_t last = 0;
    for (int i = 0; i < kStarts; ++i) {
      const Json gone = daemon_.wait_for({.type = "worker_gone", .after = last});
      last = gone.at("seq");
      ++(gone.at("reason").at("kind") == "setup_failed" ? ends.refused : ends.set_up);
    }
    return ends;
  }
  void expect_nothing_outside() const {
    EXPECT_FALSE(fs::exists(outside_ + "/written")) << "a worker has written outside";
    EXPECT_EQ(daemon_.log().find("this-is-outside"), std::string::npos) << "a worker has read outside";
  }
  const TemporaryDirectory place_{"/var/tmp"};
  const std::string directory_ = place_.path(), theirs_ = directory_ + "/theirs",
                    outside_ = directory_ + "/outside";
};

class SwappedPath : public PathSwap, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, SwappedPath, ::testing::Values("read_only", "writable", "hide"),
                         [](const auto& one) { return one.param; });

// What lies outside is hidden from the worker, so it can come to see it by a wrong mount only.
TEST_P(SwappedPath, LeadsNowhereElse) {
  Json filesystem{{"hide", {outside_}}};
  filesystem[GetParam()].push_back(theirs_ + "/place");
  Ends ends;
  {
    const Swapper swapper(theirs_ + "/place", theirs_ + "/link");
    start_with("a", pool(filesystem));
    ends = ends_of_workers();
    daemon_.stop();
  }
  expect_nothing_outside();
  EXPECT_GT(ends.set_up, 0);
  EXPECT_GT(ends.refused, 0);
}

// Whoever can change a directory on the way could bring it and the link along.
TEST_F(PathSwap, ALinkBelowWhatOthersCanChangeIsRefused) {
  make_directory(theirs_ + "/roots", 0755);
  fs::create_directory_symlink(outside_, theirs_ + "/roots/link");
  start_with("a", pool({{"read_only", {theirs_ + "/roots/link"}}}));
  const Json reason = daemon_.wait_for({.type = "worker_gone"}).at("reason");
  EXPECT_EQ(reason.at("kind"), "setup_failed") << reason;
  EXPECT_EQ(reason.at("errno"), ELOOP) << reason;
}

TEST_F(PathSwap, ALinkOfRootsIsFollowed) {
  fs::create_directory_symlink("theirs/../outside/./", directory_ + "/relative");
  fs::create_directory_symlink(directory_ + "/relative", directory_ + "/link");
  Json one = pool({{"writable", {directory_ + "/link"}}});
  one["command"][2] = "echo x > " + directory_ + "/link/written";
  start_with("a", one);
  daemon_.wait_for({.type = "worker_gone"});
  EXPECT_TRUE(fs::exists(outside_ + "/written"));
}

}  // namespace
}  // namespace herd::test

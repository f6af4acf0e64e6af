#include "common/kernel/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace herd::kernel {
namespace {

constexpr const char* kStatus =
    "Name:\tworker\n"
    "Umask:\t0022\n"
    "State:\tS (sleeping)\n"
    "Uid:\t1900000007\t1900000007\t1900000007\t1900000007\n"
    "Gid:\t5\t6\t7\t8\n"
    "FDSize:\t64\n"
    "Groups:\t4 24 1900000007 \n"
    "CapInh:\t0000000000000000\n"
    "CapPrm:\t000001ffffffffff\n"
    "CapEff:\t0000000000000400\n"
    "CapBnd:\tffffffffffffffff\n"
    "CapAmb:\t0000000000000001\n"
    "NoNewPrivs:\t1\n"
    "Seccomp:\t2\n"
    "Seccomp_filters:\t3\n";

/// kStatus with the line that begins with `key` replaced; an empty `line` takes it out.
std::string with(const std::string& key, const std::string& line) {
  std::string text = kStatus;
  const std::size_t begin = text.find(key + ":");
  const std::size_t end = text.find('\n', begin) + 1;
  text.replace(begin, end - begin, line.empty() ? "" : line + "\n");
  return text;
}

/// A child that is held until it is killed, or ends at once.
class Child {
 public:
  explicit Child(bool stays) : pid_(fork()) {
    if (pid_ == 0) {
      while (stays) pause();
      _exit(0);
    }
    pidfd_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void wait_for_end() const { waitid(P_PID, static_cast<id_t>(pid_), nullptr, WEXITED | WNOWAIT); }
  int reap() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
};

TEST(ProcessStatus, IsReadFieldByField) {
  const auto status = parse_status(kStatus);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->uids, std::vector<std::uint32_t>(4, 1900000007));
  EXPECT_EQ(status->gids, (std::vector<std::uint32_t>{5, 6, 7, 8}));
  EXPECT_EQ(status->groups, (std::vector<std::uint32_t>{4, 24, 1900000007}));
  EXPECT_EQ(status->cap_inheritable, 0U);
  EXPECT_EQ(status->cap_permitted, 0x1ffffffffffU);
  EXPECT_EQ(status->cap_effective, 0x400U);
  EXPECT_EQ(status->cap_bounding, ~0ULL);
  EXPECT_EQ(status->cap_ambient, 1U);
  EXPECT_TRUE(status->no_new_privs);
  EXPECT_EQ(status->seccomp_mode, 2);
  EXPECT_EQ(status->seccomp_filters, 3);
}

TEST(ProcessStatus, NoGroupsAreAnEmptyLine) {
  const auto status = parse_status(with("Groups", "Groups:\t "));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->groups.empty());
}

// What can't be read must never pass for "none".
TEST(ProcessStatus, EveryFieldMustBeThere) {
  for (const char* key : {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                          "NoNewPrivs", "Seccomp", "Seccomp_filters"})
    EXPECT_FALSE(parse_status(with(key, ""))) << key;
  EXPECT_FALSE(parse_status(""));
}

TEST(ProcessStatus, BrokenFieldsAreRefused) {
  struct Case {
    const char* key;
    const char* line;
  };
  for (const auto& [key, line] :
       {Case{"Uid", "Uid:\t0\t0\t0"}, Case{"Uid", "Uid:\t0\t0\t0\t0\t0"}, Case{"Uid", "Uid:\t0\t0\t0\tx"},
        Case{"Uid", "Uid:\t0\t0\t0\t-1"}, Case{"Gid", "Gid:\t0\t0\t0\t4294967296"}, Case{"Gid", "Gid:"},
        Case{"Groups", "Groups:\t4 x"}, Case{"CapEff", "CapEff:\t"}, Case{"CapEff", "CapEff:\t00zz"},
        Case{"CapEff", "CapEff:\t0 0"}, Case{"CapEff", "CapEff:\t10000000000000000"},
        Case{"NoNewPrivs", "NoNewPrivs:\tyes"}, Case{"Seccomp", "Seccomp:\t"},
        Case{"Seccomp_filters", "Seccomp_filters:\t1x"}})
    EXPECT_FALSE(parse_status(with(key, line))) << line;
}

TEST(ProcessStatus, ANameThatLooksLikeAFieldIsNone) {
  // The kernel escapes a newline in a name, so only a line's beginning counts.
  const auto status = parse_status(with("Name", "Name:\tx NoNewPrivs:\t0"));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->no_new_privs);
}

TEST(ProcessStatus, OfThisProcessIsItsOwn) {
  const UniqueFd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto status = read_status(proc.get(), std::to_string(getpid()) + "/status");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->uids, (std::vector<std::uint32_t>{getuid(), geteuid(), geteuid(), geteuid()}));
  EXPECT_FALSE(read_status(proc.get(), "0/status"));
}

TEST(Pidfd, TellsTheNumberOfALivingProcess) {
  const Child child(true);
  EXPECT_EQ(pid_of(child.pidfd()).value_or(-1), child.pid());
  EXPECT_TRUE(is_alive(child.pidfd()));
}

TEST(Pidfd, CarriesSignals) {
  Child child(true);
  ASSERT_TRUE(send_signal(child.pidfd(), SIGTERM));
  const int status = child.reap();
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(Pidfd, OfAZombieIsNotAlive) {
  const Child child(false);
  child.wait_for_end();
  EXPECT_FALSE(is_alive(child.pidfd()));
}

// Pitfall 51: the number may be another process's by now; the pidfd has none and signals nobody.
TEST(Pidfd, OfAReapedProcessHasNoNumberAndReachesNobody) {
  Child child(false);
  child.wait_for_end();
  child.reap();
  EXPECT_FALSE(is_alive(child.pidfd()));
  const auto pid = pid_of(child.pidfd());
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().errno_value, ESRCH);
  const auto sent = send_signal(child.pidfd(), SIGKILL);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().errno_value, ESRCH);
}

TEST(Pidfd, AnFdThatIsNoneHasNoNumber) {
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(pid_of(null.get()));
  EXPECT_FALSE(pid_of(-1));
}

}  // namespace
}  // namespace herd::kernel

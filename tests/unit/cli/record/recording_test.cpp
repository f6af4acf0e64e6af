#include "cli/record/recording.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <csignal>

#include "tests/unit/cli/record/calls.hpp"

namespace herd::record {
namespace {

using Answer = Recording::Answer;
using Arguments = Recording::Arguments;
using Alternatives = std::map<std::vector<Condition>, std::uint64_t>;

constexpr std::uint64_t kHigh = std::uint64_t{1} << 32U;

class ARecording : public testing::Test {
 protected:
  const Call& seen(const std::string& name) {
    EXPECT_TRUE(recording_.has(name)) << name;
    static const Call kNone;
    const auto found = recording_.calls().find(name);
    return found == recording_.calls().end() ? kNone : found->second;
  }
  Recording recording_{Arguments::looked_at};
};

TEST_F(ARecording, CountsByNameAndLeavesMostArgumentsOpen) {
  for (std::uint64_t fd = 0; fd < 3; ++fd)
    EXPECT_EQ(recording_.add(call(SYS_read, {fd, 4096, fd})), Answer::go_on);
  recording_.add(call(SYS_getpid));
  EXPECT_EQ(recording_.calls().size(), 2U);
  EXPECT_EQ(seen("read").count, 3U);
  EXPECT_TRUE(seen("read").is_open);
  EXPECT_EQ(recording_.total(), 4U);
}

TEST_F(ARecording, HasEachIoctlRequestOnceAndNotTheRest) {
  for (const std::uint64_t fd : {0, 1, 7})
    for (const std::uint64_t request : {TCGETS, TIOCGWINSZ})
      recording_.add(call(SYS_ioctl, {fd, request, 0x7fff0000}));
  const Call& ioctl = seen("ioctl");
  EXPECT_FALSE(ioctl.is_open);
  EXPECT_EQ(ioctl.count, 6U);
  EXPECT_EQ(ioctl.alternatives, (Alternatives{{{{1, kLow32, TCGETS}}, 0}, {{{1, kLow32, TIOCGWINSZ}}, 0}}));
}

TEST_F(ARecording, ReadsAnIntAsTheKernelDoes) {
  recording_.add(call(SYS_prctl, {PR_SET_NAME}));
  recording_.add(call(SYS_prctl, {PR_SET_NAME | kHigh}));
  EXPECT_EQ(seen("prctl").alternatives, (Alternatives{{{{0, kLow32, PR_SET_NAME}}, 0}}));
}

TEST_F(ARecording, KeepsWhatBelongsTogetherOfASocketAndNotItsDescriptorsFlags) {
  recording_.add(call(SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}));
  recording_.add(call(SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0}));
  recording_.add(call(SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}));
  const auto& alternatives = seen("socket").alternatives;
  ASSERT_EQ(alternatives.size(), 2U);
  const auto& first = alternatives.begin()->first;
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[0].value, static_cast<std::uint64_t>(AF_UNIX));
  EXPECT_EQ(first[1].value, static_cast<std::uint64_t>(SOCK_STREAM));
  EXPECT_EQ(first[1].mask & SOCK_CLOEXEC, 0U);
}

TEST_F(ARecording, OfClonesFlagsOnlyTheNamespacesCount) {
  recording_.add(call(SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}));
  recording_.add(call(SYS_clone, {SIGCHLD}));
  EXPECT_EQ(seen("clone").alternatives.size(), 1U);
  recording_.add(call(SYS_clone, {CLONE_NEWUSER | SIGCHLD}));
  const auto& alternatives = seen("clone").alternatives;
  ASSERT_EQ(alternatives.size(), 2U);
  EXPECT_EQ(alternatives.begin()->first.front().value, 0U);
  EXPECT_EQ(alternatives.rbegin()->first.front().value, static_cast<std::uint64_t>(CLONE_NEWUSER));
}

TEST_F(ARecording, JoinsTheFlagsOfMappingsWithTheSameProtection) {
  recording_.add(call(SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE}));
  recording_.add(call(SYS_mmap, {0, 4096, PROT_READ, MAP_SHARED | MAP_FIXED}));
  recording_.add(call(SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE}));
  EXPECT_EQ(seen("mmap").alternatives,
            (Alternatives{{{{2, kLow32, PROT_READ}}, MAP_PRIVATE | MAP_SHARED | MAP_FIXED},
                          {{{2, kLow32, PROT_READ | PROT_EXEC}}, MAP_PRIVATE}}));
}

TEST_F(ARecording, HasSoManySetsOfArgumentsAndNoMore) {
  for (std::uint64_t request = 0; request < kMaxAlternatives; ++request)
    recording_.add(call(SYS_ioctl, {0, request}));
  EXPECT_EQ(seen("ioctl").alternatives.size(), kMaxAlternatives);
  EXPECT_FALSE(seen("ioctl").had_too_many);
  recording_.add(call(SYS_ioctl, {0, kMaxAlternatives}));
  EXPECT_TRUE(seen("ioctl").is_open);
  EXPECT_TRUE(seen("ioctl").had_too_many);
  EXPECT_TRUE(seen("ioctl").alternatives.empty());
  recording_.add(call(SYS_ioctl, {0, 0}));  // stays open
  EXPECT_TRUE(seen("ioctl").alternatives.empty());
}

TEST_F(ARecording, CanLeaveArgumentsAlone) {
  Recording names(Arguments::ignored);
  names.add(call(SYS_ioctl, {0, TCGETS}));
  names.allow("fcntl", {{1, kLow32, 1}});
  EXPECT_TRUE(names.calls().at("ioctl").is_open);
  EXPECT_TRUE(names.calls().at("fcntl").is_open);
}

TEST_F(ARecording, RefusesWhatNoFilterCanRead) {
  for (const long number : {SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register})
    EXPECT_EQ(recording_.add(call(number)), Answer::no_such_syscall);
  EXPECT_TRUE(recording_.calls().empty());
  EXPECT_EQ(recording_.refused().size(), 4U);
  recording_.allow("clone3", {});
  EXPECT_TRUE(recording_.calls().empty());
}

TEST_F(ARecording, CountsWhatNoFilterLetsThroughApart) {
  seccomp_data foreign = call(SYS_read);
  foreign.arch = AUDIT_ARCH_PPC64;
  EXPECT_EQ(recording_.add(foreign), Answer::go_on);
  EXPECT_EQ(recording_.add(call(1023)), Answer::go_on);
  EXPECT_EQ(recording_.add(call(1'000'000)), Answer::go_on);
  EXPECT_EQ(recording_.add(call(-1)), Answer::go_on);
  EXPECT_EQ(recording_.foreign(), 1U);
  EXPECT_EQ(recording_.unknown_numbers(), (std::set<int>{-1, 1023, 1'000'000}));
  EXPECT_TRUE(recording_.calls().empty());
  EXPECT_EQ(recording_.total(), 4U);
}

TEST_F(ARecording, TellsX32FromNumbersWithoutAName) {
  Recording x86(Arguments::looked_at, seccomp::Arch::x86_64);
  seccomp_data data = call(0x4000'0000 | 39);
  data.arch = AUDIT_ARCH_X86_64;
  x86.add(data);
  EXPECT_EQ(x86.x32(), 1U);
  EXPECT_TRUE(x86.unknown_numbers().empty());
}

TEST_F(ARecording, OfUnknownNumbersKeepsOnlySome) {
  for (int i = 0; i < 100; ++i) recording_.add(call(2000 + i));
  EXPECT_EQ(recording_.unknown_numbers().size(), kMaxUnknownNumbers);
}

TEST_F(ARecording, TakesInWhatAnEarlierOneAllowed) {
  recording_.add(call(SYS_ioctl, {0, TCGETS}));
  recording_.add(call(SYS_mmap, {0, 0, PROT_READ, MAP_PRIVATE}));
  recording_.allow("ioctl", {{1, kLow32, TIOCGWINSZ}});
  recording_.allow("mmap", {{3, kLow32 & ~std::uint64_t{MAP_SHARED}, 0}, {2, kLow32, PROT_READ}});
  recording_.allow("write", {});
  EXPECT_EQ(seen("ioctl").alternatives.size(), 2U);
  EXPECT_EQ(seen("mmap").alternatives, (Alternatives{{{{2, kLow32, PROT_READ}}, MAP_PRIVATE | MAP_SHARED}}));
  EXPECT_TRUE(seen("write").is_open);
  recording_.allow("ioctl", {});
  EXPECT_TRUE(seen("ioctl").is_open);
  EXPECT_FALSE(seen("ioctl").had_too_many);
}

}  // namespace
}  // namespace herd::record

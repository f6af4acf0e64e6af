#include "common/seccomp/compiler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "common/seccomp/build.hpp"
#include "common/seccomp/edges.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/syscalls.hpp"
#include "tests/unit/seccomp/calls.hpp"

namespace herd::seccomp {
namespace {

using test::call;
using test::kEnosys;
using test::kEperm;
using test::kHighBit;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kWide = 0x1'0000'0005;  // both halves matter

Rule rule(const char* name, Action action, std::vector<ArgCondition> conditions = {}) {
  return {{name}, action, std::move(conditions)};
}

Program built(const Profile& profile, Policy policy = Policy::errno_) {
  auto program = build(profile, policy);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *program : Program{};
}

std::uint32_t run(const Program& program, const seccomp_data& data) {
  return evaluate(program.instructions, data).value_or(0xdead);
}

struct OperatorCase {
  Compare op;
  std::vector<std::uint64_t> holds, fails;
};

class Operators : public testing::TestWithParam<OperatorCase> {};

/// One by one in a rule that allows and in one that denies: the values are written down here, not computed.
TEST_P(Operators, Compare64Bits) {
  const ArgCondition condition{3, GetParam().op, kWide};
  const Program allowing = built({"a", {rule("read", Action::allow, {condition})}});
  const Program denying =
      built({"d", {rule("read", Action::allow), rule("read", Action::deny, {condition})}});
  for (const auto value : GetParam().holds) {
    EXPECT_EQ(run(allowing, call(SYS_read, {0, 0, 0, value})), SECCOMP_RET_ALLOW) << value;
    EXPECT_EQ(run(denying, call(SYS_read, {0, 0, 0, value})), kEperm) << value;
  }
  for (const auto value : GetParam().fails) {
    EXPECT_EQ(run(allowing, call(SYS_read, {0, 0, 0, value})), kEperm) << value;
    EXPECT_EQ(run(denying, call(SYS_read, {0, 0, 0, value})), SECCOMP_RET_ALLOW) << value;
  }
}

constexpr std::uint64_t kAll = ~std::uint64_t{0};
INSTANTIATE_TEST_SUITE_P(
    Seccomp, Operators,
    testing::Values(
        OperatorCase{Compare::equal, {kWide}, {0, 5, kWide - 1, kWide + 1, kHighBit, 0x2'0000'0005, kAll}},
        OperatorCase{Compare::not_equal, {0, 5, kWide - 1, kWide + 1, 0x2'0000'0005, kAll}, {kWide}},
        OperatorCase{Compare::less, {0, 5, 0xffff'ffff, kWide - 1}, {kWide, kWide + 1, 0x2'0000'0000, kAll}},
        OperatorCase{Compare::less_equal, {0, 0xffff'ffff, kWide}, {kWide + 1, 0x2'0000'0000, kAll}},
        OperatorCase{Compare::greater, {kWide + 1, 0x2'0000'0000, kAll}, {0, 0xffff'ffff, kWide}},
        OperatorCase{Compare::greater_equal, {kWide, 0x2'0000'0000, kAll}, {0, 0xffff'ffff, kWide - 1}}));

TEST(Compiler, ComparesUnderAMaskOfBothHalves) {
  const Program program =
      built({"m", {rule("read", Action::allow, {{0, Compare::masked_equal, 0x1'0000'0001, 0x3'0000'0003}})}});
  EXPECT_EQ(run(program, call(SYS_read, {0x1'0000'0001})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_read, {0xfffffff5'fffffff5})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_read, {0x1'0000'0003})), kEperm);
  EXPECT_EQ(run(program, call(SYS_read, {0x3'0000'0001})), kEperm);
}

TEST(Compiler, AnyBitsOfEitherHalf) {
  const Program program =
      built({"m", {rule("read", Action::allow, {{0, Compare::any_bits, 0, 0x3'0000'0004}})}});
  for (const std::uint64_t holds : {0x1'0000'0000ULL, 0x2'0000'0000ULL, 0x4ULL, 0xffff'ffff'ffff'ffffULL})
    EXPECT_EQ(run(program, call(SYS_read, {holds})), SECCOMP_RET_ALLOW) << holds;
  for (const std::uint64_t fails : {0x0ULL, 0x3ULL, 0xffff'fffc'ffff'fffbULL})
    EXPECT_EQ(run(program, call(SYS_read, {fails})), kEperm) << fails;
}

TEST(Compiler, WantsAllConditionsOfARule) {
  // Two on one argument, a range, and one on another.
  const Program program =
      built({"range",
             {rule("read", Action::allow,
                   {{0, Compare::greater_equal, 10}, {0, Compare::less, 20}, low32(2, 1)})}});
  EXPECT_EQ(run(program, call(SYS_read, {10, 0, 1})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_read, {19, 0, 1})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_read, {9, 0, 1})), kEperm);
  EXPECT_EQ(run(program, call(SYS_read, {20, 0, 1})), kEperm);
  EXPECT_EQ(run(program, call(SYS_read, {10, 0, 2})), kEperm);
}

TEST(Compiler, StrictestRuleWinsInAnyOrder) {
  const std::vector<Rule> rules = {rule("read", Action::deny, {{0, Compare::equal, 1}}),
                                   rule("read", Action::no_such_syscall, {{0, Compare::less, 3}}),
                                   rule("read", Action::allow)};
  for (const auto& order : {std::vector<int>{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}) {
    Profile profile{"order", {}};
    for (const int i : order) profile.rules.push_back(rules[static_cast<std::size_t>(i)]);
    const Program program = built(profile);
    EXPECT_EQ(run(program, call(SYS_read, {1})), kEperm);
    EXPECT_EQ(run(program, call(SYS_read, {2})), kEnosys);
    EXPECT_EQ(run(program, call(SYS_read, {3})), SECCOMP_RET_ALLOW);
  }
}

TEST(Compiler, DefaultMayAllow) {
  const Program program = built(
      {"open", {rule("mount", Action::deny), rule("read", Action::deny, {low32(0, 7)})}, Action::allow});
  EXPECT_EQ(run(program, call(SYS_write)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_mount)), kEperm);
  EXPECT_EQ(run(program, call(SYS_read, {7 | kHighBit})), kEperm);
  EXPECT_EQ(run(program, call(SYS_read, {8})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(900)), kEnosys) << "a number that nobody knows is not allowed";
}

TEST(Compiler, NamesThatTheArchitectureLacksAreTold) {
  const Profile profile{"old", {{{"read", "open", "socketcall"}, Action::allow, {}}}};
  const auto lacks = [&](Arch arch) {
    return build(profile, Policy::errno_, arch).value().summary.names_without_number;
  };
  EXPECT_THAT(lacks(Arch::x86_64), ElementsAre("socketcall"));
  EXPECT_THAT(lacks(Arch::aarch64), ElementsAre("open", "socketcall"));
}

TEST(Compiler, KnowsCallsThatAreNewerThanLibseccomp) {
  for (const Arch arch : {Arch::x86_64, Arch::aarch64}) {
    const Program program = build({"new", {rule("mseal", Action::allow)}}, Policy::errno_, arch).value();
    EXPECT_EQ(run(program, call(462, {}, arch)), SECCOMP_RET_ALLOW);
    EXPECT_EQ(run(program, call(463, {}, arch)), kEperm) << "setxattrat has a name, too";
    EXPECT_EQ(run(program, call(470, {}, arch)), kEnosys);
  }
}

TEST(Compiler, EachActionUnderEachPolicy) {
  struct Row {
    Action action;
    std::uint32_t log, errno_, kill;
  };
  const Row rows[] = {
      {Action::allow, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW},
      {Action::log, SECCOMP_RET_LOG, SECCOMP_RET_LOG, SECCOMP_RET_LOG},
      {Action::no_such_syscall, kEnosys, kEnosys, kEnosys},
      {Action::deny, SECCOMP_RET_LOG, kEperm, SECCOMP_RET_KILL_PROCESS},
      {Action::deny_with(EACCES), SECCOMP_RET_LOG, SECCOMP_RET_ERRNO | EACCES, SECCOMP_RET_KILL_PROCESS},
      {Action::deny_with(ENOSYS), kEnosys, kEnosys, kEnosys},
      {Action::trap, SECCOMP_RET_LOG, SECCOMP_RET_TRAP, SECCOMP_RET_KILL_PROCESS},
      {Action::kill, SECCOMP_RET_LOG, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS},
  };
  for (const Row& row : rows) {
    const Profile profile{
        "p", {rule("read", row.action), rule("write", row.action, {low32(0, 1)})}, Action::allow};
    for (const auto& [policy, wanted] :
         {std::pair(Policy::log, row.log), std::pair(Policy::errno_, row.errno_),
          std::pair(Policy::kill, row.kill)}) {
      const Program program = build(profile, policy).value();
      EXPECT_EQ(run(program, call(SYS_read)), wanted) << describe(row.action) << " " << name(policy);
      EXPECT_EQ(run(program, call(SYS_write, {1})), wanted) << describe(row.action) << " " << name(policy);
      EXPECT_EQ(run(program, call(SYS_write, {2})), SECCOMP_RET_ALLOW);
    }
  }
}

TEST(Compiler, AHigherLayerDecidesOverAStricterRule) {
  Rule opened = rule("io_uring_setup", Action::allow);
  Rule narrowed = rule("read", Action::deny, {low32(0, 0)});
  Rule widened = rule("mount", Action::allow, {low32(3, 1)});
  opened.layer = widened.layer = 1;
  narrowed.layer = 2;
  Rule read = rule("read", Action::allow);
  read.layer = 1;
  const Program program = built({"layers",
                                 {rule("io_uring_setup", Action::no_such_syscall),
                                  rule("mount", Action::kill), opened, widened, narrowed, read}});
  EXPECT_EQ(run(program, call(SYS_io_uring_setup)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_mount, {0, 0, 0, 1})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_mount, {0, 0, 0, 2})), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(run(program, call(SYS_read, {0})), kEperm);
  EXPECT_EQ(run(program, call(SYS_read, {1})), SECCOMP_RET_ALLOW);
}

TEST(Compiler, KnowsNames) {
  EXPECT_TRUE(is_syscall_name("read"));
  EXPECT_TRUE(is_syscall_name("socketcall")) << "of another architecture";
  EXPECT_FALSE(is_syscall_name("raed"));
}

TEST(Compiler, RefusesAnInvalidProfile) {
  const auto program = compile({"bad", {rule("read", Action::allow, {{9, Compare::equal, 1}})}},
                               Policy::errno_, native_arch());
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("seccomp profile 'bad': rule for read: argument 9"));
}

Profile with_rules(std::size_t count) {
  Profile profile{"long", {}};
  for (std::size_t i = 0; i < count; ++i)
    profile.rules.push_back(rule("read", Action::allow, {{0, Compare::equal, i * 0x1'0000'0001}}));
  return profile;
}

TEST(Compiler, ALongFilterWorksAndATooLongOneIsRefused) {
  const std::size_t base = built(with_rules(0)).instructions.size();
  const std::size_t each = 5;  // two loads, two comparisons, a return
  const std::size_t fits = (kMaxInstructions - base - 3) / each;
  const auto longest = compile(with_rules(fits), Policy::errno_, native_arch());
  ASSERT_TRUE(longest) << longest.error().message;
  EXPECT_EQ(run(*longest, call(SYS_read, {(fits - 1) * 0x1'0000'0001})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(*longest, call(SYS_write)), kEperm) << "behind a block that no 8-bit jump can pass";

  const auto too_long = compile(with_rules(fits + 1), Policy::errno_, native_arch());
  ASSERT_FALSE(too_long);
  EXPECT_THAT(too_long.error().message, HasSubstr("BPF instructions; the kernel takes 4096 at most"));
}

TEST(Compiler, ManyArgumentsAreCheckedAroundEachRule) {
  Rule many = rule("mmap", Action::allow);
  for (unsigned i = 0; i < kArgumentCount; ++i)
    many.conditions.push_back({i, Compare::less_equal, kWide << i});
  const Profile profile{"many", {many}};
  std::size_t visits = 0;
  ASSERT_TRUE(visit_edges({&many}, [&](const Arguments&) -> Status {
    ++visits;
    return {};
  }));
  EXPECT_GT(visits, kMaxCombinations);
  const Program program = built(profile);
  EXPECT_EQ(run(program, call(SYS_mmap, {1, 2, 3, 4, 5, 6})), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(SYS_mmap, {1, 2, 3, 4, 5, kAll})), kEperm);
}

}  // namespace
}  // namespace herd::seccomp

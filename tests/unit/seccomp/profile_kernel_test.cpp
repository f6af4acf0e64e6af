// Random profiles: what they mean, what the evaluator says of their filter, and what the kernel does.
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cstdio>
#include <random>

#include "common/seccomp/build.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"
#include "tests/unit/seccomp/calls.hpp"
#include "tests/unit/seccomp/under_filter.hpp"

namespace herd::seccomp {
namespace {

using Arguments = std::array<std::uint64_t, 6>;

/// The kernel ignores their arguments and they always succeed, so that an answer is the filter's.
struct Call {
  const char* name;
  long number;
};
constexpr Call kCalls[] = {{"getuid", SYS_getuid},   {"getgid", SYS_getgid},
                           {"geteuid", SYS_geteuid}, {"getegid", SYS_getegid},
                           {"getppid", SYS_getppid}, {"sched_yield", SYS_sched_yield}};

class RandomProfile {
 public:
  explicit RandomProfile(unsigned seed) : random_(seed) {}

  Profile make() {
    Profile profile{"random", {others()}, Action::deny};
    const unsigned rules = 1 + pick(24);
    for (unsigned i = 0; i < rules; ++i) profile.rules.push_back(rule());
    return profile;
  }
  /// Near the profile's values, so that each side of each condition comes.
  Arguments arguments() {
    Arguments all{};
    for (auto& argument : all) argument = value();
    return all;
  }
  const Call& call() { return kCalls[pick(std::size(kCalls))]; }

 private:
  unsigned pick(std::size_t below) { return static_cast<unsigned>(random_() % below); }

  std::uint64_t value() {
    static constexpr std::uint64_t kEdges[] = {0,
                                               1,
                                               2,
                                               0x7fff'ffff,
                                               0x8000'0000,
                                               0xffff'ffff,
                                               0x1'0000'0000,
                                               std::uint64_t{1} << 63,
                                               ~std::uint64_t{0}};
    const std::uint64_t edge = kEdges[pick(std::size(kEdges))];
    return edge + pick(3) - 1;
  }
  /// All that the child needs to ask and to end.
  static Rule others() {
    Rule rule{{}, Action::allow, {}};
    for (const auto& known : known_syscalls(native_arch())) {
      const bool is_asked =
          std::ranges::any_of(kCalls, [&](const Call& call) { return call.number == known.number; });
      if (!is_asked) rule.names.push_back(known.name);
    }
    return rule;
  }
  Rule rule() {
    const Action actions[] = {Action::allow, Action::no_such_syscall, Action::deny, Action::deny_with(EACCES),
                              Action::deny_with(4000)};
    Rule rule{{kCalls[pick(std::size(kCalls))].name}, actions[pick(std::size(actions))], {}};
    rule.layer = static_cast<int>(pick(3));
    const unsigned conditions = pick(4);
    for (unsigned i = 0; i < conditions; ++i) rule.conditions.push_back(condition());
    return rule;
  }
  ArgCondition condition() {
    const Compare operators[] = {Compare::equal,        Compare::not_equal, Compare::less,
                                 Compare::less_equal,   Compare::greater,   Compare::greater_equal,
                                 Compare::masked_equal, Compare::any_bits};
    ArgCondition condition{pick(kArgumentCount), operators[pick(std::size(operators))], value()};
    if (condition.op == Compare::masked_equal || condition.op == Compare::any_bits) {
      condition.mask = value() | 1;
      condition.value = condition.op == Compare::any_bits ? 0 : condition.value & condition.mask;
    }
    return condition;
  }

  std::mt19937_64 random_;
};

/// In the child: how many answers were not what the profile means.
int disagreements(const Profile& profile, RandomProfile& random) {
  constexpr int kQuestions = 300;
  const Meaning meaning(profile, Policy::errno_, native_arch());
  int wrong = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const Call& call = random.call();
    const Arguments args = random.arguments();
    const auto at = [&](std::size_t index) { return static_cast<long>(args[index]); };
    const int error = test::raw(call.number, at(0), at(1), at(2), at(3), at(4), at(5));
    const std::uint32_t meant = meaning.expected_action(test::call(call.number, args));
    const std::uint32_t found =
        error == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | static_cast<unsigned>(error);
    if (found == meant) continue;
    ++wrong;
    std::fprintf(stderr, "%s: the kernel says %s, the profile means %s\n", call.name,
                 describe_return(found).c_str(), describe_return(meant).c_str());
  }
  return wrong;
}

TEST(ProfileAndKernel, AgreeOnRandomProfiles) {
  constexpr unsigned kProfiles = 12;
  for (unsigned seed = 1; seed <= kProfiles; ++seed) {
    RandomProfile random(seed);
    const Profile profile = random.make();
    const auto program = build(profile, Policy::errno_);  // the evaluator has agreed with the profile
    ASSERT_TRUE(program) << "seed " << seed << ": " << program.error().message;
    const auto end =
        test::run_under(program->instructions, [&] { return disagreements(profile, random) == 0 ? 0 : 1; });
    ASSERT_EQ(end.exit_code, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace herd::seccomp

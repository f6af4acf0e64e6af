#include "daemon/worker/verify.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>

#include "tests/unit/worker/fake_cgroup.hpp"

namespace herd::worker {
namespace {

using kernel::parse_mountinfo;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A line of mountinfo.
std::string mounted(const std::string& mount_point, const std::string& options) {
  return "100 99 0:50 / " + mount_point + " " + options + " - tmpfs tmpfs rw\n";
}

TEST(WritableMounts, ReadOnlyOnesAreAsExpected) {
  EXPECT_THAT(
      unexpected_writable_mounts(parse_mountinfo(mounted("/", "ro,relatime") + mounted("/sys", "ro")), {}),
      IsEmpty());
}

TEST(WritableMounts, AreFoundByTheMountsOwnOptions) {
  const std::string text = mounted("/", "ro,nosuid") + mounted("/srv", "rw,nosuid") + mounted("/var", "rw");
  EXPECT_THAT(unexpected_writable_mounts(parse_mountinfo(text), {}), ElementsAre("/srv", "/var"));
}

TEST(WritableMounts, AnOptionThatOnlyBeginsAlikeIsNotReadOnly) {
  EXPECT_THAT(unexpected_writable_mounts(parse_mountinfo(mounted("/", "rootcontext=x,ro")), {}),
              ElementsAre("/"));
}

TEST(WritableMounts, ThoseThatAreAllowedAndBelowAreLeftOut) {
  const std::string text = mounted("/srv/data", "rw") + mounted("/srv/data/deep", "rw") +
                           mounted("/srv/database", "rw") + mounted("/srv", "rw");
  EXPECT_THAT(unexpected_writable_mounts(parse_mountinfo(text), {"/srv/data"}),
              ElementsAre("/srv/database", "/srv"));
}

TEST(WritableMounts, ProcAllowsNothingBelowIt) {
  const std::string text = mounted("/proc", "rw") + mounted("/proc/sys", "rw") + mounted("/tmp", "rw,nosuid");
  EXPECT_THAT(unexpected_writable_mounts(parse_mountinfo(text), own_writable_mounts()),
              ElementsAre("/proc/sys"));
}

TEST(WritableMounts, APathWithABlankIsHeldAgainstThePoolFiles) {
  const std::string text = mounted(R"(/srv/my\040data)", "rw") + mounted(R"(/srv/my\040other)", "rw");
  EXPECT_THAT(unexpected_writable_mounts(parse_mountinfo(text), {"/srv/my data"}),
              ElementsAre("/srv/my other"));
}

TEST(WritableMounts, ALineThatCanNotBeReadCountsAsWritable) {
  EXPECT_THAT(unexpected_writable_mounts(parse_mountinfo("100 99 0:50 / /srv\n"), {}), ElementsAre("/srv"));
}

TEST(FailedChecks, AreNamedAndExplained) {
  const std::vector<Check> checks{
      {"uid", "5 5", "0 0", false}, {"gid", "5", "5", true}, {"seccomp", "2", "0", false}};
  EXPECT_EQ(failed_checks(checks), "uid, seccomp");
  EXPECT_EQ(describe_failures(checks), "uid: wanted 5 5, found 0 0; seccomp: wanted 2, found 0");
}

TEST(Mounts, WithoutNosuidOrNodevAreFound) {
  const std::string text =
      "1 0 0:20 / / ro,nosuid,nodev,relatime - ext4 /dev/vda rw\n"
      "2 1 0:21 / /dev ro,nosuid,noexec - tmpfs tmpfs rw\n"
      "3 1 0:21 /null /etc/hidden ro,nosuid,noexec - tmpfs tmpfs rw\n"
      "4 1 0:22 /null /srv/device ro,nosuid - tmpfs tmpfs rw\n"
      "5 1 0:23 / /srv/nosuidly rw,nodev,nosuidly - tmpfs tmpfs rw\n";
  EXPECT_THAT(mounts_with_devices(parse_mountinfo(text)), ElementsAre("/srv/device"));
  EXPECT_THAT(mounts_with_setuid(parse_mountinfo(text)), ElementsAre("/srv/nosuidly"));
}

// Where /dev's nodes are bound one by one, what covers files is a copy of that bind.
TEST(Mounts, TheNullDeviceThatIsBoundMayCoverFiles) {
  const std::string text =
      "1 0 0:20 / / ro,nosuid,nodev - ext4 /dev/vda rw\n"
      "2 1 0:21 / /dev ro,nosuid,noexec - tmpfs tmpfs rw\n"
      "3 2 0:6 /null /dev/null ro,nosuid,noexec - devtmpfs udev rw\n"
      "4 1 0:6 /null /etc/hidden ro,nosuid,noexec - devtmpfs udev rw\n"
      "5 1 0:6 /sda /srv/disk ro,nosuid,noexec - devtmpfs udev rw\n";
  EXPECT_THAT(mounts_with_devices(parse_mountinfo(text)), ElementsAre("/srv/disk"));
}

TEST(FailedChecks, AreEmptyWhereAllIsAsWanted) {
  EXPECT_EQ(failed_checks({{"uid", "5", "5", true}}), "");
  EXPECT_EQ(describe_failures({{"uid", "5", "5", true}}), "");
}

const Check* find(const std::vector<Check>& checks, const std::string& name) {
  const auto found = std::ranges::find(checks, name, &Check::name);
  return found == checks.end() ? nullptr : &*found;
}

std::vector<Check> verify(pid_t pid, const Expectation& expected, const kernel::WorkerCgroup& cgroup) {
  std::vector<Check> checks = verify_processes(pid, expected, cgroup);
  std::ranges::copy(verify_surroundings(pid, expected, cgroup), std::back_inserter(checks));
  return checks;
}

class Verify : public FakeCgroup {
 protected:
  /// What the proof says of this very process, which is in no sandbox.
  [[nodiscard]] std::vector<Check> proof_of_this_process(const launch::Plan& plan) const {
    const auto facts = read_daemon_facts();
    EXPECT_TRUE(facts);
    const Expectation expected{plan, true, facts.value_or(DaemonFacts{})};
    return verify(getpid(), expected, cgroup_of(std::to_string(getpid()) + "\n"));
  }
};

TEST_F(Verify, AProcessWithoutASandboxFailsWhatItLacks) {
  launch::Plan plan;
  plan.uid = plan.gid = 1900000007;
  const auto checks = proof_of_this_process(plan);
  for (const char* name :
       {"seccomp_filters", "uid", "gid", "namespace pid", "namespace mnt", "namespace ipc", "namespace uts",
        "namespace cgroup", "cgroup", "writable mounts", "nosuid", "nodev"}) {
    const Check* check = find(checks, name);
    ASSERT_NE(check, nullptr) << name;
    EXPECT_FALSE(check->ok) << name << ": " << check->found;
  }
}

TEST_F(Verify, ANetworkThatIsTheHostsIsWhatTheHostsPoolWants) {
  launch::Plan plan;
  EXPECT_TRUE(find(proof_of_this_process(plan), "namespace net")->ok);
  plan.namespaces.network = true;
  EXPECT_FALSE(find(proof_of_this_process(plan), "namespace net")->ok);
}

TEST_F(Verify, AllFiveCapabilitySetsAreHeldAgainstThePlan) {
  launch::Plan plan;
  plan.capabilities = 1ULL << 62;  // no kernel knows it, so no process has it
  const auto checks = proof_of_this_process(plan);
  for (const char* set : {"inheritable", "permitted", "effective", "bounding", "ambient"}) {
    const Check* check = find(checks, "capabilities " + std::string(set));
    ASSERT_NE(check, nullptr) << set;
    EXPECT_FALSE(check->ok) << set;
    EXPECT_EQ(check->wanted, "4000000000000000") << set;
  }
}

// It is left out of the worker's own checks: what is not what herd-exec makes of it must not be taken for it.
TEST_F(Verify, ARelayThatIsNotApartFromTheWorkerIsSeen) {
  launch::Plan plan;
  EXPECT_EQ(find(proof_of_this_process(plan), "relay"), nullptr);
  plan.relay_port = 8080;
  plan.uid = getuid();
  const auto facts = read_daemon_facts();
  ASSERT_TRUE(facts);
  const auto checks = verify(getpid(), {.plan = plan, .daemon = *facts, .relay = getpid()}, cgroup_of("1\n"));
  const Check* relay = find(checks, "relay");
  ASSERT_NE(relay, nullptr);
  EXPECT_FALSE(relay->ok);
  EXPECT_THAT(relay->found, HasSubstr("the worker's uid"));
  EXPECT_THAT(relay->found, HasSubstr("another cgroup"));
}

TEST_F(Verify, ARelayThatIsGoneIsSeen) {
  launch::Plan plan;
  plan.relay_port = 8080;
  const auto checks = proof_of_this_process(plan);
  const Check* relay = find(checks, "relay");
  ASSERT_NE(relay, nullptr);
  EXPECT_FALSE(relay->ok);
}

TEST_F(Verify, AProcessThatIsGoneProvesNothing) {
  const launch::Plan plan;
  const auto checks = verify(-1, {plan, true, {}}, cgroup_of(""));
  EXPECT_THAT(failed_checks(checks), HasSubstr("process, status"));
  EXPECT_THAT(checks, testing::Each(testing::Field(&Check::ok, false)));
}

}  // namespace
}  // namespace herd::worker

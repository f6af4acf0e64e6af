#include "daemon/denials/registry.hpp"

#include <gtest/gtest.h>

#include <map>

namespace herd::denials {
namespace {

using namespace std::chrono_literals;

class DenialRegistry : public ::testing::Test {
 protected:
  std::shared_ptr<Watched> add(std::uint32_t uid, bool owns_uid, WallTime since, const std::string& cgroup) {
    auto watched = std::make_shared<Watched>();
    watched->key = ++last_key_;
    watched->subject = {uid, owns_uid};
    watched->since = since;
    watched->cgroup = cgroup;
    registry_.add(watched);
    return watched;
  }
  static Record record(std::uint32_t uid, pid_t pid = 1, WallTime time = WallTime(100s)) {
    Record record;
    record.uid = uid;
    record.pid = pid;
    record.time = time;
    return record;
  }
  std::map<pid_t, std::string> cgroups_;
  Registry registry_{[this](pid_t pid) { return cgroups_[pid]; }};
  WorkerKey last_key_ = 0;
};

TEST_F(DenialRegistry, AUidOfItsOwnIsEnough) {
  const auto one = add(1, true, WallTime(50s), "/herd/a/a-1"), two = add(2, true, WallTime(50s), "");
  EXPECT_EQ(registry_.find(record(1)), one);
  EXPECT_EQ(registry_.find(record(2)), two);
  EXPECT_EQ(registry_.find(record(3)), nullptr);
}

TEST_F(DenialRegistry, AUidThatIsGivenAgainIsOfTheOneThatHadItThen) {
  const auto before = add(1, true, WallTime(50s), ""), after = add(1, true, WallTime(90s), "");
  EXPECT_EQ(registry_.find(record(1, 1, WallTime(89s))), before);
  EXPECT_EQ(registry_.find(record(1, 1, WallTime(90s))), after);
  EXPECT_EQ(registry_.find(record(1, 1, WallTime(49s))), nullptr);
}

TEST_F(DenialRegistry, AClockThatWasSetBackHidesNothing) {
  const auto only = add(1, true, WallTime(50s), "");
  EXPECT_EQ(registry_.find(record(1, 1, WallTime(10s))), only);
}

TEST_F(DenialRegistry, ASharedUidIsToldByTheCgroupAlone) {
  const auto one = add(1000, false, WallTime(50s), "/herd/a/a-1");
  const auto two = add(1000, false, WallTime(50s), "/herd/a/a-2");
  add(1000, false, WallTime(50s), "");  // is just being made
  cgroups_[7] = "1:name=systemd:/user.slice\n0::/herd/a/a-2\n";
  cgroups_[8] = "0::/user.slice/herd/a/a-1\n";
  cgroups_[9] = "0::/herd/a/a-10\n";
  cgroups_[10] = "4:pids:/herd/a/a-1\n0::/\n";
  cgroups_[11] = "0::/herd/a/a-1";
  EXPECT_EQ(registry_.find(record(1000, 7)), two);
  EXPECT_EQ(registry_.find(record(1000, 8)), nullptr) << "a process of that user, in a cgroup of its own";
  EXPECT_EQ(registry_.find(record(1000, 9)), nullptr);
  EXPECT_EQ(registry_.find(record(1000, 10)), one);
  EXPECT_EQ(registry_.find(record(1000, 11)), one);
  EXPECT_EQ(registry_.find(record(1000, 12)), nullptr) << "gone, so nobody knows";
}

TEST_F(DenialRegistry, AnEndedWorkerIsKnownForAWhile) {
  const SteadyTime now{};
  const auto one = add(1, true, WallTime(50s), "");
  EXPECT_FALSE(registry_.has_ended());
  one->ended = now;
  EXPECT_TRUE(registry_.has_ended());
  EXPECT_TRUE(registry_.forget_old(now + kLinger - 1ms).empty());
  EXPECT_EQ(registry_.find(record(1)), one);
  EXPECT_EQ(registry_.forget_old(now + kLinger), std::vector<WorkerKey>{one->key});
  EXPECT_EQ(registry_.find(record(1)), nullptr);
}

}  // namespace
}  // namespace herd::denials

// Who a worker is: ids, capabilities, keys.
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr const char* kNoCapability = "0000000000000000";
constexpr const char* kNetBindService = "0000000000000400";
constexpr const char* kSets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};

bool has_keys() {
  return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) >= 0;
}

void give_groups() {
  const gid_t groups[] = {4, 27, 100};
  ::setgroups(3, groups);
}

/// A session keyring of its own that holds a secret; its serial goes to the file.
void give_a_key(const std::string& serial_file) {
  const long serial = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  if (serial < 0 ||
      ::syscall(SYS_add_key, "user", "herd-test-secret", "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0)
    ::_exit(1);
  std::ofstream(serial_file) << serial;
}

/// As container engines did by mistake: all that it has is also inheritable and ambient.
void hand_all_capabilities_down() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  ::syscall(SYS_capget, &header, data);
  for (__user_cap_data_struct& half : data) half.inheritable = half.permitted;
  ::syscall(SYS_capset, &header, data);
  for (int capability = 0; capability < 64; ++capability)
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}

class IsolationIdentity : public DaemonTest {
 protected:
  void TearDown() override {
    for (TestDaemon* daemon : {&grouped_, &keyed_, &generous_})
      if (daemon->is_running()) daemon->stop();
    DaemonTest::TearDown();
  }
  [[nodiscard]] std::string serial_file() const { return daemon_.directory() + "/keyring"; }

  TestDaemon grouped_{{.before_exec = give_groups}};
  TestDaemon keyed_{{.before_exec = [this] { give_a_key(serial_file()); }}};
  TestDaemon generous_{{.before_exec = hand_all_capabilities_down}};

  Json report_of(TestDaemon& daemon, const Json& pool) {
    daemon.write_pool("a", pool);
    daemon.start();
    return ask(daemon.acquire("a", "s").at("address"), "/report");
  }
};

// Pitfall 36 (CVE-2014-8989).
TEST_F(IsolationIdentity, TheDaemonsGroupsAreNotTheWorkers) {
  const Json report = report_of(grouped_, unfiltered_pool());
  ASSERT_EQ(status_of(grouped_.pid())["Groups"], "4 27 100 ");
  EXPECT_EQ(report.at("groups"), Json::array());
  const auto uid = report.at("uid").at(0).get<std::uint32_t>();
  EXPECT_GE(uid, 1'900'000'000U);
  EXPECT_EQ(report.at("uid"), Json::array({uid, uid, uid, uid}));
  EXPECT_EQ(report.at("gid"), Json::array({uid, uid, uid, uid}));
}

// Pitfall 37.
TEST_F(IsolationIdentity, NoWayBackToRoot) {
  const Json probes = report_of(daemon_, unfiltered_pool()).at("probes");
  EXPECT_EQ(probes.at("setuid_0"), "EPERM");
  EXPECT_EQ(probes.at("setgid_0"), "EPERM");
  EXPECT_EQ(probes.at("setgroups"), "EPERM");
  EXPECT_EQ(probes.at("chroot"), "EPERM");
}

// Pitfall 38 (CVE-2022-29162).
TEST_F(IsolationIdentity, AllFiveCapabilitySetsAreEmptyAndTheSecurebitsLocked) {
  const Json report = report_of(daemon_, unfiltered_pool());
  for (const char* set : kSets) EXPECT_EQ(report.at("status").at(set), kNoCapability) << set;
  const int securebits = report.at("securebits");
  EXPECT_EQ(securebits & SECURE_ALL_BITS,
            SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE);
  EXPECT_EQ(securebits & SECURE_ALL_LOCKS, SECURE_ALL_LOCKS & securebits);
  for (const int lock : {SECBIT_NOROOT_LOCKED, SECBIT_NO_SETUID_FIXUP_LOCKED, SECBIT_KEEP_CAPS_LOCKED,
                         SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED})
    EXPECT_NE(securebits & lock, 0) << lock;
  EXPECT_EQ(report.at("status").at("NoNewPrivs"), "1");
}

TEST_F(IsolationIdentity, ACapabilityOfThePoolFileIsInAllFiveSetsAndNoOtherIs) {
  const Json report = report_of(daemon_, unfiltered_pool({{"capabilities", {"CAP_NET_BIND_SERVICE"}}}));
  for (const char* set : kSets) EXPECT_EQ(report.at("status").at(set), kNetBindService) << set;
}

// Pitfall 38: what the daemon hands down to all that it starts ends at herd-exec.
TEST_F(IsolationIdentity, WhatTheDaemonHandsDownIsInNoSetOfTheWorkers) {
  generous_.write_pool("none", unfiltered_pool());
  generous_.write_pool("one", unfiltered_pool({{"capabilities", {"CAP_NET_BIND_SERVICE"}}}));
  generous_.start();
  for (const char* set : {"CapInh", "CapAmb"})
    ASSERT_NE(status_of(generous_.pid())[set], kNoCapability) << set;
  for (const auto& [pool, wanted] : {std::pair{"none", kNoCapability}, {"one", kNetBindService}}) {
    const Json report = ask(generous_.acquire(pool, "s").at("address"), "/report");
    for (const char* set : kSets) EXPECT_EQ(report.at("status").at(set), wanted) << pool << " " << set;
  }
}

// Pitfall 39.
TEST_F(IsolationIdentity, TheDaemonsKeysAreNotTheWorkers) {
  HERD_NEEDS(has_keys(), "kernel keys");
  const Json report = report_of(keyed_, unfiltered_pool());
  const Json daemons = Json::parse(text_of(serial_file()));
  ASSERT_GT(daemons.get<long>(), 0);
  EXPECT_NE(report.at("session_keyring"), daemons);
  EXPECT_EQ(report.at("secret_key"), "ENOKEY");
}

// Pitfall 33: one idea of it, by ids and by namespace. With a pid namespace another worker has no number at
// all; without one it has, and is another user's.
TEST_F(IsolationIdentity, TwoWorkersCanNeitherSeeNorSignalEachOther) {
  Json pool = unfiltered_pool();
  pool["workers"] = {{"min", 2}, {"max", 2}, {"spare", 0}};
  daemon_.write_pool("apart", pool);
  pool["sandbox"]["namespaces"] = {"mount", "ipc", "uts", "cgroup"};
  daemon_.write_pool("together", pool);
  daemon_.start();
  for (const auto& [name, errno_name] : {std::pair{"apart", "ESRCH"}, {"together", "EPERM"}}) {
    const Json first = daemon_.acquire(name, "first"), second = daemon_.acquire(name, "second");
    const std::string path = "/signal?" + std::to_string(second.at("pid").get<int>());
    EXPECT_EQ(ask(first.at("address"), path).at("errno"), errno_name) << name;
    EXPECT_NE(daemon_.worker(first.at("worker")).at("uid"), daemon_.worker(second.at("worker")).at("uid"))
        << name;
  }
}

}  // namespace
}  // namespace herd::test

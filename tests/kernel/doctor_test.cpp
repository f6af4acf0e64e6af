// herdctl doctor, the real one, in the situations that it has to tell apart.
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "common/kernel/files.hpp"
#include "common/kernel/landlock.hpp"
#include "common/kernel/user_namespace.hpp"
#include "common/seccomp/install.hpp"
#include "tests/support/as_user.hpp"
#include "tests/support/herdctl.hpp"
#include "tests/support/host.hpp"
#include "tests/support/needs.hpp"
#include "tests/support/rootless.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

using Json = nlohmann::json;

constexpr int kOk = 0, kLacking = 7;
constexpr uid_t kNobody = 65534;

/// What was made for it to be tried and is still there.
std::vector<std::string> left_cgroups() {
  std::vector<std::string> left;
  for (const CgroupMount& mount : cgroup_mounts())
    for (const auto& entry : std::filesystem::directory_iterator(mount.path))
      if (entry.path().filename().string().starts_with("herd-doctor-")) left.push_back(entry.path());
  return left;
}

std::string given_to_children() {
  return v2_mount().empty() ? "" : text_of(v2_mount() + "/cgroup.subtree_control");
}

void drop_capability(int capability) {
  ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // the exec that follows takes it from the other sets
}

void become_nobody() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0)
    ::_exit(126);
}

/// unshare(2) is refused; clone3, whose flags no filter can read, is said to be unknown, as container engines
/// say it.
Status forbid_namespaces() {
  const std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 2, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 2, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  };
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no_new_privs");
  return seccomp::install(program, {});
}

class Doctor : public testing::Test {
 protected:
  void SetUp() override {
    HERD_NEEDS(can_run_workers(), "root and cgroups");
    lock_ = lock_host("doctor");
    given_before_ = given_to_children();
    std::filesystem::copy_file(HERD_TEST_HERDCTL, place_.path() + "/herdctl");
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(left_cgroups(), std::vector<std::string>{});
    EXPECT_EQ(given_to_children(), given_before_);
  }

  void examine(int code, std::function<void()> before_exec = {}) {
    const Ran ran = herdctl_.run({"-o", "json", "doctor"}, std::move(before_exec));
    ASSERT_EQ(ran.code, code) << ran.out << ran.err;
    ASSERT_EQ(ran.err, "");
    const Json said = Json::parse(ran.out);
    EXPECT_EQ(said.at("ok"), code == kOk);
    for (const Json& check : said.at("checks")) checks_[check.at("name")] = check;
  }
  const Json& check(const std::string& name) { return checks_.at(name); }
  std::string why(const std::string& name) { return check(name).at("why"); }
  void expect_missing(const std::string& name, const std::string& error) {
    EXPECT_EQ(check(name).at("had"), false) << check(name);
    EXPECT_EQ(check(name).at("errno"), error) << check(name);
    EXPECT_TRUE(check(name).at("remedy").is_string()) << check(name);
  }

  UniqueFd lock_;
  std::string given_before_;
  TemporaryDirectory place_;  // the build's may be out of an ordinary user's reach, as in /root
  Herdctl herdctl_{"/nonexistent/herd.sock", place_.path() + "/herdctl"};
  std::map<std::string, Json> checks_;
};

const std::vector<std::string> kNeedsSysAdmin{
    "pid namespace",     "mount namespace", "ipc namespace", "uts namespace", "cgroup namespace",
    "network namespace", "read-only tree",  "tmpfs",         "pivot_root",    "proc with hidepid"};

TEST_F(Doctor, AHostThatRunsWorkersHasAllThatTheyNeed) {
  examine(kOk);
  for (const auto& [name, check] : checks_) {
    EXPECT_TRUE(check.at("is_needed_by_every_pool") == false || check.at("had") != false) << check;
    EXPECT_EQ(check.at("had") == false, check.at("remedy").is_string()) << check;
    EXPECT_NE(check.at("why"), "") << check;
  }
  EXPECT_EQ(check("uid of its own").at("had"), true);
  EXPECT_EQ(check("Landlock").at("had"), kernel::landlock::abi() >= kernel::landlock::kAbiScopes);
  EXPECT_EQ(check("cgroup v2 tree").at("had").is_null(), v2_mount().empty());
  for (const std::string controller : {"memory", "cpu", "pids"}) {
    const std::string place = v1_mount(controller).empty() ? "v2 at " : "v1 at " + v1_mount(controller);
    EXPECT_EQ(why(controller + " limit").find(place), 0U) << check(controller + " limit");
  }
}

TEST_F(Doctor, ItsTableSaysTheSame) {
  const Ran ran = herdctl_.run({"doctor"});
  EXPECT_EQ(ran.code, kOk) << ran.out << ran.err;
  EXPECT_EQ(ran.out.find("WHAT "), 0U) << ran.out;
  EXPECT_NE(ran.out.find("\na pool can have all that it needs by default\n"), std::string::npos) << ran.out;
  const Ran lacks = herdctl_.run({"doctor"}, [] { drop_capability(CAP_SYS_ADMIN); });
  EXPECT_EQ(lacks.code, kLacking);
  EXPECT_NE(lacks.out.find("\nwhat to do\n  run herdd as root"), std::string::npos) << lacks.out;
  EXPECT_NE(lacks.out.find("\na pool can't have what it needs by default\n"), std::string::npos) << lacks.out;
}

TEST_F(Doctor, AnOrdinaryUserLacksWhatIsRoots) {
  HERD_NEEDS(::access("/proc/sys/user/max_user_namespaces", F_OK) == 0, "user namespaces");
  examine(kLacking, become_nobody);
  for (const std::string name : {"memory limit", "cpu limit", "pids limit"}) {
    EXPECT_EQ(check(name).at("had"), false) << check(name);
    EXPECT_NE(check(name).at("remedy").get<std::string>().find("Delegate=yes"), std::string::npos);
  }
  EXPECT_TRUE(v2_mount().empty() || check("cgroup v1 freezer").at("had").is_null());
  EXPECT_EQ(check("subordinate ids").at("had"), false) << check("subordinate ids");
  EXPECT_NE(check("subordinate ids").at("remedy").get<std::string>().find("usermod"), std::string::npos);
  expect_missing("no groups", "EPERM");
  expect_missing("uid of its own", "EINVAL");  // that uid is not mapped
  expect_missing("audit records", "EPERM");
  for (const std::string name : {"clone3", "sealed program", "no_new_privs", "seccomp filter",
                                 "seccomp tsync", "no capabilities", "user namespaces"})
    EXPECT_EQ(check(name).at("had"), true) << check(name);
  for (const std::string& name : kNeedsSysAdmin) EXPECT_EQ(check(name).at("had"), true) << check(name);
  EXPECT_NE(why("this process").find("uid 65534, root in a user namespace"), std::string::npos);
}

// Its herdd does not even start, and nothing else is worth mending before.
TEST_F(Doctor, AnOrdinaryUserWithoutUserNamespacesIsToldThatAllNeedThem) {
  examine(kLacking, [] {
    if (!forbid_namespaces()) ::_exit(126);
    become_nobody();
  });
  expect_missing("user namespaces", "EPERM");
  EXPECT_EQ(check("user namespaces").at("is_needed_by_every_pool"), true);
  EXPECT_EQ(check("subordinate ids").at("had"), false) << "none can be mapped";
  EXPECT_EQ(check("subordinate ids").at("remedy"), check("user namespaces").at("remedy"));
  EXPECT_NE(check("memory limit").at("remedy").get<std::string>().find("Delegate=yes"), std::string::npos);
}

// What herdd then can give to each pool by default: tests/kernel/rootless_test.cpp.
TEST_F(Doctor, AnOrdinaryUserWithIdsAndACgroupLacksNothing) {
  HERD_NEEDS(::access("/usr/bin/newuidmap", X_OK) == 0, "the package uidmap");
  const DelegatedCgroups cgroups;
  examine(kOk, [&cgroups, set_ids = with_subordinate_ids(SubordinateIds::some)] {
    cgroups.join();
    set_ids();
    become_user(kUser, kUsersGroup);
  });
  EXPECT_EQ(why("subordinate ids").find("uids " + std::to_string(first_uid()) + " to"), 0U);
  EXPECT_NE(why("pids limit").find(cgroups.path()), std::string::npos) << why("pids limit");
  EXPECT_EQ(cgroups.children(), std::vector<std::string>{});
}

TEST_F(Doctor, RootWithoutSysAdminLacksNamespacesAndMountsAlone) {
  examine(kLacking, [] { drop_capability(CAP_SYS_ADMIN); });
  for (const std::string& name : kNeedsSysAdmin) expect_missing(name, "EPERM");
  for (const std::string name : {"uid of its own", "no groups", "no capabilities", "memory limit",
                                 "cpu limit", "pids limit", "seccomp filter"})
    EXPECT_EQ(check(name).at("had"), true) << check(name);
  EXPECT_NE(why("this process").find("CAP_SYS_ADMIN"), std::string::npos);
}

TEST_F(Doctor, SwitchedOffUserNamespacesAreSaidToBe) {
  examine(kLacking, [] {
    if (!kernel::enter_user_namespace() || !kernel::write_file("/proc/sys/user/max_user_namespaces", "0"))
      ::_exit(126);
  });
  expect_missing("user namespaces", "ENOSPC");
  EXPECT_NE(why("user namespaces").find("user.max_user_namespaces is 0"), std::string::npos);
  EXPECT_NE(check("user namespaces").at("remedy").get<std::string>().find("sysctl"), std::string::npos);
  EXPECT_NE(why("this process").find("in a user namespace"), std::string::npos);
  expect_missing("uid of its own", "EINVAL");  // that uid is not mapped
  EXPECT_EQ(check("mount namespace").at("had"), true) << check("mount namespace");
}

TEST_F(Doctor, AFilterThatForbidsNamespacesIsSeen) {
  examine(kLacking, [] {
    if (!forbid_namespaces()) ::_exit(126);
  });
  expect_missing("mount namespace", "EPERM");
  expect_missing("user namespaces", "EPERM");
  expect_missing("clone3", "ENOSYS");
  EXPECT_EQ(check("mount namespace").at("in_user_namespace"), false);
  EXPECT_NE(why("this process").find("with no_new_privs, under 1 seccomp filters"), std::string::npos);
  EXPECT_EQ(check("seccomp filter").at("had"), true);
}

TEST_F(Doctor, AHostWithoutV2HasWhatV1Offers) {
  HERD_ONLY_WITH(!v2_mount().empty() && !v1_mount("memory").empty() && !v1_mount("freezer").empty(),
                 "hybrid cgroups");
  examine(kOk, [] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::umount2(v2_mount().c_str(), MNT_DETACH) != 0)
      ::_exit(126);
  });
  for (const std::string name : {"cgroup v2 tree", "birth in a cgroup", "cgroup.kill"})
    EXPECT_TRUE(check(name).at("had").is_null()) << check(name);
  EXPECT_EQ(check("cgroup v1 freezer").at("had"), true) << check("cgroup v1 freezer");
}

TEST_F(Doctor, AContainersReadOnlyCgroupsAreSaidToBe) {
  examine(kLacking, [] {
    bool is_done =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    for (const CgroupMount& mount : cgroup_mounts())
      is_done =
          is_done && ::mount("", mount.path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
    if (!is_done) ::_exit(126);
  });
  for (const std::string name : {"memory limit", "cpu limit", "pids limit"}) expect_missing(name, "EROFS");
  EXPECT_EQ(check("mount namespace").at("had"), true) << check("mount namespace");
}

TEST_F(Doctor, ACoreLimitOfNothingIsNoneThatHelps) {
  examine(kLacking, [] {
    drop_capability(CAP_SYS_RESOURCE);  // with it the limit can be raised
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
  });
  expect_missing("core limit", "EPERM");
}

}  // namespace
}  // namespace herd::test

// A hostile worker (tests/testees/escape) in each sandbox that a pool file can ask for: nothing that it tries
// gets through, but what is listed here. docs/security.md says the same to people.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>

#include "common/kernel/landlock.hpp"
#include "tests/support/daemon_test.hpp"
#include "tests/support/rootless.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

/// Beginnings of attacks' names.
using Names = std::vector<std::string>;

struct Sandbox {
  std::string network, policy, landlock;
  std::string root = "read_only_host";  // "image": a directory with the program in it
};

void PrintTo(const Sandbox& sandbox, std::ostream* out) {
  *out << "root " << sandbox.root << ", network " << sandbox.network << ", seccomp " << sandbox.policy
       << ", landlock " << sandbox.landlock;
}

std::string name_of(const Sandbox& sandbox) {
  return sandbox.root + "_" + sandbox.network + "_" + sandbox.policy + "_landlock_" + sandbox.landlock;
}

std::vector<Sandbox> sandboxes() {
  std::vector<Sandbox> all;
  for (const char* network : {"host", "none", "loopback"})
    for (const char* policy : {"off", "log", "errno", "kill"})
      for (const char* landlock : {"off", "wanted"}) all.push_back({network, policy, landlock});
  for (const char* root : {"minimal", "image"})
    for (const char* network : {"host", "none", "loopback"})
      for (const char* policy : {"off", "log", "errno", "kill"})
        all.push_back({network, policy, "off", root});
  return all;
}

/// What every worker may do: no attacks, but what the others are measured by.
const Names kForAll{"probe_write_tmp", "probe_write_dev_shm", "call_getpid", "call_clone"};

/// What the profile `worker` lets through: unix, IPv4 and IPv6 sockets, and the route protocol of netlink.
const Names kSockets{"family_1", "family_2", "family_10", "family_16", "netlink_0", "probe_socket_netlink"};

/// Without a filter the kernel has the word: a user namespace of the worker's own, and every call and family
/// of sockets that it offers to anybody.
const Names kWithoutFilter{"family_",          "netlink_", "probe_socket_", "probe_unshare_user",
                           "probe_clone_user", "call_"};

bool has_scopes(const Sandbox& sandbox) {
  return sandbox.landlock == "wanted" && kernel::landlock::abi() >= kernel::landlock::kAbiScopes;
}

void add(Names& names, const Names& more) {
  names.insert(names.end(), more.begin(), more.end());
}

Names allowed_in(const Sandbox& sandbox) {
  Names names = kForAll;
  add(names, kSockets);
  if (sandbox.policy == "off" || sandbox.policy == "log") add(names, kWithoutFilter);
  if (sandbox.network != "none") add(names, {"probe_loopback"});
  add(names, {"probe_bind_tcp"});
  if (sandbox.network != "host") return names;
  add(names, {"host_loopback"});
  if (!has_scopes(sandbox)) add(names, {"connect_to_workers_abstract_socket", "probe_abstract_socket"});
  return names;
}

/// "family_1" is family_1 alone, "family_" is all of them.
bool is_allowed(const std::string& attack, const Names& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return attack == name || (name.ends_with("_") && attack.starts_with(name));
  });
}

/// The attacks that got through, and what they got at.
std::map<std::string, std::string> got_through(const Json& results) {
  std::map<std::string, std::string> found;
  for (const auto& [name, result] : results.items())
    if (result.at("got_through")) found[name] = result.at("result");
  return found;
}

Json escape_pool(const Json& overrides) {
  Json pool = testee_pool({}, {{"workers", {{"min", 2}, {"max", 2}, {"spare", 0}}}});
  pool["command"] = {HERD_TEST_ESCAPE};
  pool.merge_patch(overrides);
  return pool;
}

/// On the host's 127.0.0.1.
class HostListener {
 public:
  HostListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* any = reinterpret_cast<sockaddr*>(&address_);
    if (::bind(fd_.get(), any, size) != 0 || ::listen(fd_.get(), 8) != 0 ||
        ::getsockname(fd_.get(), any, &size) != 0)
      throw std::runtime_error("listen on 127.0.0.1");
  }
  [[nodiscard]] int port() const { return ntohs(address_.sin_port); }

 private:
  UniqueFd fd_;
  sockaddr_in address_{};
};

class Escape : public DaemonTest {
 protected:
  explicit Escape(DaemonOptions options = {}) : DaemonTest(std::move(options)) {}

  const UniqueFd names_ = lock_host("abstract-sockets");  // the host's network has one space of names for all

  /// One worker leaves its traces, the other one of the same pool attacks it and all else.
  Json attack(const Json& overrides) { return attack_in(escape_pool(overrides)); }
  Json attack_in(const Json& pool) {
    start_with("a", pool);
    const Json victim = daemon_.acquire("a", "victim"), attacker = daemon_.acquire("a", "attacker");
    traces_ = ask(victim.at("address"), "/leave");
    return ask(attacker.at("address"), "/attack?" + std::to_string(victim.at("pid").get<pid_t>()) + "," +
                                           std::to_string(host_.port()));
  }
  [[nodiscard]] Json overrides_for(const Sandbox& sandbox) const {
    Json overrides = with_root(sandbox.root);
    overrides.merge_patch({{"sandbox",
                            {{"network", sandbox.network},
                             {"seccomp", {{"policy", sandbox.policy}}},
                             {"landlock", sandbox.landlock}}}});
    return overrides;
  }
  /// In an image the program has another path, and nothing of the build tree is there.
  [[nodiscard]] Json with_root(const std::string& root) const {
    if (root != "image") return {{"sandbox", {{"filesystem", {{"root", root}}}}}};
    for (const char* place : {"/bin", "/dev", "/proc", "/run", "/tmp"})
      std::filesystem::create_directories(image_.path() + place);
    std::filesystem::copy_file(HERD_TEST_ESCAPE, image_.path() + "/bin/escape");
    return {{"command", {"/bin/escape"}},
            {"sandbox", {{"filesystem", {{"root", image_.path()}, {"read_only", Json::array()}}}}}};
  }
  Json traces_;
  HostListener host_;
  TemporaryDirectory image_{"/var/tmp"};
};

void expect_only(const Json& results, const Names& allowed) {
  ASSERT_TRUE(results.is_object()) << results;
  for (const auto& [name, what] : got_through(results))
    EXPECT_TRUE(is_allowed(name, allowed)) << name << " got through: " << what;
}

class EscapeFrom : public Escape, public ::testing::WithParamInterface<Sandbox> {};
INSTANTIATE_TEST_SUITE_P(All, EscapeFrom, ::testing::ValuesIn(sandboxes()),
                         [](const auto& one) { return name_of(one.param); });

TEST_P(EscapeFrom, NothingGetsThrough) {
  const Json results = attack(overrides_for(GetParam()));
  expect_only(results, allowed_in(GetParam()));
  // Landlock forbids new POSIX queues: they lie in no directory that a rule could name.
  const bool has_landlock = GetParam().landlock == "wanted" && kernel::landlock::abi() > 0;
  for (const auto& [name, result] : traces_.items())
    EXPECT_EQ(result, has_landlock && name == "queue" ? "EACCES" : "ok") << name;
}

class EscapeRootless : public Escape, public ::testing::WithParamInterface<Sandbox> {
 protected:
  EscapeRootless() : Escape(rootless(SubordinateIds::some)) {}
};
INSTANTIATE_TEST_SUITE_P(All, EscapeRootless, ::testing::ValuesIn(sandboxes()),
                         [](const auto& one) { return name_of(one.param); });

// From an ordinary user's herdd no more than from root's.
TEST_P(EscapeRootless, NothingGetsThrough) {
  Json pool = escape_pool(overrides_for(GetParam()));
  if (GetParam().root == "image") {
    pool["sandbox"]["required"] = false;
  } else {
    pool = rootless_pool(daemon_, std::move(pool));
  }
  expect_only(attack_in(pool), allowed_in(GetParam()));
}

// What a filter ends it ends at once: seen as a signal, not as an errno.
TEST_F(Escape, UnderKillADeniedAttackEndsItsProcess) {
  const Json results = attack({{"sandbox", {{"seccomp", {{"policy", "kill"}}}}}});
  for (const char* name : {"call_ptrace", "family_40", "nested_umount", "make_shared", "take_fd"})
    EXPECT_EQ(results.at(name).at("result"), "signal 31") << name;
}

// Pitfalls 44, 45: of a worker that may write whatever the ids say, read-only mounts alone are in the way.
TEST_F(Escape, ReadOnlyHoldsAgainstACapabilityToWriteEverything) {
  const Sandbox sandbox{"none", "off", "off"};
  const Json results = attack({{"sandbox",
                                {{"network", sandbox.network},
                                 {"seccomp", sandbox.policy},
                                 {"capabilities", {"CAP_DAC_OVERRIDE", "CAP_FOWNER"}}}}});
  expect_only(results, allowed_in(sandbox));
}

// Pitfall 33: in one pid namespace with the host, it is the uid that keeps workers apart.
TEST_F(Escape, OthersThatCanBeNamedAreOutOfReachAllTheSame) {
  const Sandbox sandbox{"none", "off", "off"};
  const Json results = attack({{"sandbox",
                                {{"network", sandbox.network},
                                 {"seccomp", sandbox.policy},
                                 {"namespaces", {"mount", "ipc", "uts", "cgroup"}}}}});
  expect_only(results, allowed_in(sandbox));
}

// The attacks themselves work: where a pool file gives all of this away, they get it.
TEST_F(Escape, FromAnOpenSandboxTheAttacksGetThrough) {
  const Json results = attack({{"sandbox",
                                {{"namespaces", {"uts"}},
                                 {"seccomp", "off"},
                                 {"capabilities", {"CAP_SYS_PTRACE", "CAP_KILL", "CAP_DAC_OVERRIDE"}}}}});
  const auto found = got_through(results);
  for (const char* name : {"ptrace",        "read_memory",      "write_memory",
                           "open_mem",      "open_environ",     "open_fds",
                           "open_root",     "take_fd",          "signal_any",
                           "signal_pidfd",  "find_shared",      "find_temporary",
                           "find_segment",  "find_any_segment", "find_semaphore",
                           "find_messages", "find_queue",       "connect_to_workers_abstract_socket",
                           "host_loopback", "write_proc"})
    EXPECT_TRUE(found.contains(name)) << name << ": " << results.at(name).at("result");
}

}  // namespace
}  // namespace herd::test

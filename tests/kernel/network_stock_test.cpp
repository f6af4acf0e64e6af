// Network namespaces that are made ahead: one for each worker, never a second time, and none left over.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "daemon/worker/network_stock.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;
using worker::NetworkStock;
using Kind = worker::NetworkStock::Kind;

constexpr int kMost = static_cast<int>(NetworkStock::kMost);

/// "net:[4026532008]" of each fd of the process that holds a network namespace other than the host's.
std::multiset<std::string> networks_held_by(pid_t pid) {
  std::multiset<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    const std::string target = fs::read_symlink(entry.path(), error).string();
    if (target.starts_with("net:[") && target != namespace_of(::getpid(), "net")) found.insert(target);
  }
  return found;
}

std::string network_of(const UniqueFd& fd) {
  return fs::read_symlink("/proc/self/fd/" + std::to_string(fd.get())).string();
}

/// In the namespace, on a thread of its own.
template <typename Function>
void inside(const UniqueFd& network, Function function) {
  std::async(std::launch::async, [&] {
    if (::setns(network.get(), CLONE_NEWNET) != 0) throw std::runtime_error("setns");
    function();
  }).get();
}

/// Something that only a used namespace has: a setting of its own that root changed.
const char* const kMark = "/proc/sys/net/ipv4/ip_default_ttl";

std::string mark_of(const UniqueFd& network) {
  std::string text;
  inside(network, [&] { text = text_of(kMark); });
  return text;
}

void mark(const UniqueFd& network) {
  inside(network, [] { std::ofstream(kMark) << "77"; });
}

class Stock : public ::testing::Test {
 protected:
  void SetUp() override { HERD_NEEDS(can_run_workers(), "root and a cgroup tree"); }
};

TEST_F(Stock, GivesEachNamespaceOnce) {
  NetworkStock stock;
  std::vector<UniqueFd> taken;
  std::set<std::string> names;
  for (int i = 0; i < 3 * kMost; ++i) {
    taken.push_back(stock.take(i % 2 == 0 ? Kind::bare : Kind::loopback).value());
    names.insert(network_of(taken.back()));
  }
  EXPECT_EQ(names.size(), taken.size());
  EXPECT_FALSE(names.contains(namespace_of(::getpid(), "net")));
}

TEST_F(Stock, KeepsAtMostSoManyOfAKindAndNoneBeforeTheFirstIsAskedFor) {
  // By their names: one that is being made may have two descriptors for a moment.
  const auto count = [] {
    const auto held = networks_held_by(::getpid());
    return std::set<std::string>(held.begin(), held.end()).size();
  };
  const std::size_t before = count();
  NetworkStock stock;
  EXPECT_EQ(count(), before);
  const UniqueFd one = stock.take(Kind::bare).value();
  // It may have been full already when the first was taken, and is filled again below its half.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::size_t held = 0;
  while ((held = count()) < before + kMost && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_GE(held, before + kMost);
  EXPECT_LE(held, before + 1 + kMost);
}

TEST_F(Stock, LeavesNothingOpen) {
  const int before = open_fds_of(::getpid());
  {
    NetworkStock stock;
    (void)stock.take(Kind::bare);
    (void)stock.take(Kind::loopback);
  }
  EXPECT_EQ(open_fds_of(::getpid()), before);
}

TEST_F(Stock, SaysWhyThereIsNoneAndTriesAgainForTheNext) {
  NetworkStock stock;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto refused = stock.take(Kind::bare);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errno_value, EMFILE);
  EXPECT_TRUE(refused.error().message.starts_with("network namespace: ")) << refused.error().message;
  EXPECT_TRUE(stock.take(Kind::bare));
}

TEST_F(Stock, ManyMayTakeAtOnce) {
  NetworkStock stock;
  std::vector<std::future<UniqueFd>> takers;
  for (int i = 0; i < 4 * kMost; ++i)
    takers.push_back(std::async(std::launch::async, [&stock] { return stock.take(Kind::loopback).value(); }));
  std::vector<UniqueFd> taken;
  std::set<std::string> names;
  for (auto& taker : takers) {
    taken.push_back(taker.get());
    names.insert(network_of(taken.back()));
  }
  EXPECT_EQ(names.size(), takers.size());
}

class Networks : public DaemonTest {
 protected:
  static Json pool(const std::string& network, int workers) {
    return testee_pool({"serve"}, {{"workers", {{"min", workers}, {"max", workers}, {"spare", 0}}},
                                   {"sandbox", {{"network", network}, {"seccomp", "off"}}}});
  }
  void wait_until_idle(const std::string& pool, int workers) {
    daemon_.wait_for_pool(pool,
                          [workers](const Json& one) { return one.at("workers").at("idle") == workers; });
  }
  UniqueFd network_of_worker(const Json& session) {
    const std::string path = "/proc/" + std::to_string(session.at("pid").get<pid_t>()) + "/ns/net";
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
};

TEST_F(Networks, AreDifferentForAllThatLive) {
  constexpr int kWorkers = 8;
  daemon_.write_pool("none", pool("none", kWorkers));
  daemon_.write_pool("loopback", pool("loopback", kWorkers));
  daemon_.start();
  std::set<std::string> names;
  for (const char* pool : {"none", "loopback"}) {
    wait_until_idle(pool, kWorkers);
    for (const Json& worker : daemon_.workers(pool))
      names.insert(namespace_of(worker.at("pid").get<pid_t>(), "net"));
  }
  EXPECT_EQ(names.size(), 2U * kWorkers);
  for (const std::string& held : networks_held_by(daemon_.pid()))
    EXPECT_FALSE(names.contains(held)) << "one that is in use is still in stock";
}

// A worker ends with its session: each session here has a new worker.
TEST_F(Networks, AreNeverUsedAgain) {
  start_with("a", pool("none", 1));
  std::set<std::string> fresh;
  for (int i = 0; i < 2 * kMost; ++i) {
    const std::string session = std::to_string(i);
    const Json acquired = daemon_.acquire("a", session);
    const UniqueFd network = network_of_worker(acquired);
    ASSERT_TRUE(network);
    fresh.insert(mark_of(network));
    mark(network);
    ASSERT_EQ(mark_of(network), "77\n");
    daemon_.remove("/v1/pools/a/sessions/" + session);
    daemon_.wait_for({.type = "worker_gone", .worker = acquired.at("worker")});
  }
  EXPECT_EQ(fresh.size(), 1U);
  EXPECT_FALSE(fresh.contains("77\n"));
}

TEST_F(Networks, InStockAreBounded) {
  constexpr int kWorkers = 4;
  start_with("a", pool("loopback", kWorkers));
  wait_until_idle("a", kWorkers);
  const auto held = networks_held_by(daemon_.pid());
  EXPECT_FALSE(held.empty());
  EXPECT_LE(held.size(), static_cast<std::size_t>(kMost) + 1) << "one more while one is being made";
  const pid_t thread = thread_called(daemon_.pid(), "network");
  const auto status = status_of(std::to_string(daemon_.pid()) + "/task/" + std::to_string(thread));
  EXPECT_EQ(status.at("NoNewPrivs"), "1");
}

TEST_F(Networks, AreNotMadeForPoolsOfTheHosts) {
  start_with("a", pool("host", 2));
  wait_until_idle("a", 2);
  EXPECT_TRUE(networks_held_by(daemon_.pid()).empty());
}

/// All that this process starts gets ENOSPC where it wants a network namespace of its own, as where
/// user.max_net_namespaces are in use.
void refuse_network_namespaces() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWNET, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) ::_exit(126);
}

class NoNetworks : public DaemonTest {
 protected:
  void TearDown() override {
    if (short_.is_running()) short_.stop();
    DaemonTest::TearDown();
  }
  TestDaemon short_{DaemonOptions{.before_exec = refuse_network_namespaces}};
};

TEST_F(NoNetworks, IsAReasonAndNeverTheHosts) {
  short_.write_pool("none", testee_pool({"serve"}, {{"restart", {{"burst", 2}, {"backoff_min", "10ms"}}},
                                                    {"sandbox", {{"network", "none"}}}}));
  short_.write_pool("host", testee_pool({"serve"}, {{"sandbox", {{"seccomp", "off"}}}}));
  short_.start();
  for (int i = 0; i < 2; ++i) {
    const Json gone = short_.wait_for({.type = "worker_gone", .pool = "none"});
    EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed") << gone;
    EXPECT_EQ(gone.at("reason").at("stage"), "namespaces") << gone;
    EXPECT_EQ(gone.at("reason").at("errno"), ENOSPC) << gone;
    EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("user.max_net_namespaces"),
              std::string::npos)
        << gone;
  }
  for (const Json& event : short_.events())
    EXPECT_FALSE(event.at("pool") == "none" && event.at("type") == "worker_ready") << event;
  short_.acquire("host", "s");
}

}  // namespace
}  // namespace herd::test

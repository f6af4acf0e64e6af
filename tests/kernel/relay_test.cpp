// Workers that bind ${PORT} in a network namespace of their own, and the relay that leads to them.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <list>
#include <set>
#include <thread>

#include "common/kernel/seqpacket.hpp"
#include "daemon/exec/relay_loop.hpp"
#include "tests/support/daemon_test.hpp"
#include "tests/support/herdctl.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

Json relayed_pool(const std::vector<std::string>& behaviour, const Json& overrides = Json::object()) {
  Json pool = testee_pool(behaviour, {{"listen", "port"},
                                      {"limits", {{"pids", 1000}}},
                                      {"sandbox", {{"network", "loopback"}, {"seccomp", "off"}}}});
  pool.merge_patch(overrides);
  return pool;
}

/// A client of the worker's, which waits for what should come.
class Client {
 public:
  explicit Client(const std::string& address) : fd_(connect_to(address)) {
    if (!fd_) throw std::runtime_error("nobody listens at " + address);
    const timeval patience{kPatience.count(), 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) throw std::runtime_error("the connection takes nothing more");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// What nobody reads, until no more is taken; the second look is for what was on its way.
  void send_until_full() const {
    const std::string block(65536, 'x');
    pollfd entry{fd_.get(), POLLOUT, 0};
    while (::poll(&entry, 1, 200) == 1) (void)::send(fd_.get(), block.data(), block.size(), MSG_DONTWAIT);
  }
  /// False where the kernel refuses it.
  [[nodiscard]] bool send_with_fd(std::string_view text) const {
    const int fd = fd_.get();
    return kernel::send_message(fd, text, {&fd, 1}).has_value();
  }
  void send_end() const { ::shutdown(fd_.get(), SHUT_WR); }
  /// Up to `most` bytes; fewer where the connection ends before.
  [[nodiscard]] std::string receive(std::size_t most = ~std::size_t{0}) const {
    std::string text;
    char block[65536];
    while (text.size() < most) {
      const ssize_t count = ::recv(fd_.get(), block, std::min(sizeof block, most - text.size()), 0);
      if (count < 0 && errno == EAGAIN) throw std::runtime_error("nothing came");
      if (count <= 0) break;
      text.append(block, static_cast<std::size_t>(count));
    }
    return text;
  }
  [[nodiscard]] bool has_something() const {
    pollfd entry{fd_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }

 private:
  UniqueFd fd_;
};

/// So many bytes, none of which stands where another one could.
std::string noise(std::size_t size, std::uint32_t seed) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return bytes;
}

class Relay : public DaemonTest {
 protected:
  void start(const std::vector<std::string>& behaviour, const Json& overrides = Json::object()) {
    start_with("a", relayed_pool(behaviour, overrides));
    session_ = daemon_.acquire("a", "s");
  }
  [[nodiscard]] std::string address() const { return session_.at("address"); }
  [[nodiscard]] pid_t worker() const { return session_.at("pid"); }
  /// That of a worker, by the worker's pid.
  static pid_t relay_of(pid_t worker) {
    for (const pid_t child : children_of(std::stoi(status_of(worker)["PPid"])))
      if (status_of(child)["Name"] == "herd-relay") return child;
    return -1;
  }
  /// Bytes that are its own alone.
  static std::size_t memory_of(pid_t pid) { return std::stoul(status_of(pid)["RssAnon"]) * 1024; }
  Json session_;
};

TEST_F(Relay, LeadsFromAUnixSocketToThePort) {
  start({"listen-own-port"});
  EXPECT_EQ(address(), "unix:" + daemon_.directory() + "/run/workers/" +
                           session_.at("worker").get<std::string>() + ".sock");
  EXPECT_EQ(ask(address(), "/").at("pool"), "a");
  EXPECT_NE(namespace_of(worker(), "net"), namespace_of(::getpid(), "net"));
}

TEST_F(Relay, LeadsToAProgramThatKnowsNothingOfHerd) {
  const std::string site = daemon_.directory() + "/site";
  fs::create_directory(site);
  std::ofstream(site + "/hello.json") << R"({"hello": "world"})";
  Json pool = relayed_pool({});
  pool["command"] = {"/usr/bin/python3", "-m", "http.server", "${PORT}"};
  pool["working_directory"] = site;
  pool["sandbox"]["filesystem"]["read_only"] = {site};
  start_with("a", pool);
  EXPECT_EQ(ask(daemon_.acquire("a", "s").at("address"), "/hello.json"), Json({{"hello", "world"}}));
}

TEST_F(Relay, LeadsEachClientToItsOwnWorkerThoughAllHaveTheSamePort) {
  daemon_.write_pool(
      "a", relayed_pool({"listen-own-port"}, {{"workers", {{"min", 2}, {"max", 2}, {"spare", 0}}}}));
  daemon_.start();
  for (const char* name : {"first", "second"}) {
    const Json session = daemon_.acquire("a", name);
    EXPECT_EQ(ask(session.at("address"), "/").at("worker"), session.at("worker"));
    const std::string environment =
        text_of("/proc/" + std::to_string(session.at("pid").get<pid_t>()) + "/environ");
    EXPECT_NE(environment.find(std::string("PORT=8080") + '\0'), std::string::npos);
  }
}

// With the rest of the sandbox as strict as it can be.
TEST_F(Relay, IsNoHoleInTheWorkersFilterOrRules) {
  start({"listen-own-port"}, {{"sandbox", {{"seccomp", {{"enter", "exec"}}}, {"landlock", "wanted"}}}});
  EXPECT_EQ(ask(address(), "/").at("pool"), "a");
}

TEST_F(Relay, WorksWithoutAPidNamespace) {
  start({"listen-own-port"}, {{"sandbox", {{"namespaces", {"mount", "ipc", "uts", "cgroup"}}}}});
  EXPECT_EQ(ask(address(), "/").at("pool"), "a");
  const pid_t relay = relay_of(worker());
  EXPECT_EQ(ask(address(), "/signal?" + std::to_string(relay)).at("errno"), "EPERM");
}

// ---- when it is ready

class RelayReady : public Relay, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(By, RelayReady, ::testing::Values(R"({"connect": true})", R"({"http": "/health"})"),
                         [](const auto& one) {
                           return std::string(one.param).find("http") == std::string::npos ? "Connect"
                                                                                           : "Http";
                         });

// The relay takes connections from the first moment on.
TEST_P(RelayReady, OnlyOnceTheWorkerListens) {
  start_with("a", relayed_pool({"listen-on-signal"}, {{"ready", Json::parse(GetParam())}}));
  const std::string worker = daemon_.workers("a").at(0).at("id");
  daemon_.wait_for_line(worker, [](const Json& line) { return line.at("text") == "waiting"; });
  Json record;
  daemon_.wait_for_pool("a", [&](const Json&) {
    record = daemon_.worker(worker);
    return !record.at("pid").is_null();
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Client(record.at("address")).receive(), "") << "let go at once";
  for (const Json& event : daemon_.events()) EXPECT_NE(event.at("type"), "worker_ready") << event;
  ::kill(record.at("pid").get<pid_t>(), SIGUSR1);
  daemon_.wait_for({.type = "worker_ready", .worker = worker});
  EXPECT_EQ(ask(record.at("address"), "/").at("worker"), worker);
}

TEST_F(Relay, TheWorkersHealthIsItsOwn) {
  start({"listen-own-port"},
        {{"health", {{"http", "/health"}, {"interval", "100ms"}, {"timeout", "2s"}, {"failures", 2}}}});
  daemon_.wait_for_pool("a", [this](const Json&) { return ask(address(), "/").at("health_checks") > 0; });
  ask(address(), "/unhealthy");
  EXPECT_EQ(
      daemon_.wait_for({.type = "worker_gone", .worker = session_.at("worker")}).at("reason").at("kind"),
      "unhealthy");
}

// ---- what goes through it

constexpr std::size_t kLarge = 64 << 20;

TEST_F(Relay, CarriesLargeTransfersBothWaysAtOnce) {
  start({"stream-own-port"});
  const Client client(address());
  const std::string sent = noise(kLarge, 1);
  std::thread sender([&] {
    client.send("E");
    client.send(sent);
    client.send_end();
  });
  const std::string received = client.receive();
  sender.join();
  EXPECT_TRUE(received == sent) << received.size() << " bytes";
}

TEST_F(Relay, PassesAHalfCloseOnAndThenTheAnswer) {
  start({"stream-own-port"});
  const Client client(address());
  client.send("C" + noise(1000, 2));
  client.send_end();
  EXPECT_EQ(client.receive(), "1000");
}

TEST_F(Relay, HoldsNoMoreThanAPieceForAClientThatDoesNotRead) {
  constexpr std::size_t kClients = 50;
  start({"stream-own-port"});
  const pid_t relay = relay_of(worker());
  const std::size_t before = memory_of(relay);
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.emplace_back(address());
    clients.back().send("S");
    EXPECT_FALSE(clients.back().receive(1).empty());
  }
  while (cpu_share_of(relay, 100ms) > 0.01) {
  }
  EXPECT_LE(memory_of(relay), before + kClients * (exec::kPiece + 1024) + (64 << 10));
  EXPECT_EQ(clients.back().receive(kLarge).size(), kLarge) << "who reads gets on";
}

// As over TCP: else the worker would wait for ever for its answer to be read, and so never read on itself.
TEST_F(Relay, TellsAWorkerThatItsClientIsGone) {
  start({"stream-own-port"});
  const pid_t relay = relay_of(worker());
  const int idle_fds = open_fds_of(relay);
  {
    const Client client(address());
    client.send("S");
    EXPECT_FALSE(client.receive(1).empty());
    client.send_until_full();
  }
  EXPECT_EQ(open_fds_within(relay, idle_fds, kPatience), idle_fds);
  EXPECT_EQ(open_fds_within(worker(), 4, kPatience), 4) << "the standard ones and its listener";
}

TEST_F(Relay, KeepsNoFdsThatComeWithTheBytes) {
  start({"stream-own-port"});
  const pid_t relay = relay_of(worker());
  const Client client(address());
  client.send("E1");
  EXPECT_EQ(client.receive(1), "1");
  const int fds = open_fds_of(relay);
  if (!client.send_with_fd("2")) client.send("2");
  EXPECT_EQ(client.receive(1), "2");
  EXPECT_EQ(open_fds_of(relay), fds);
}

TEST_F(Relay, TakesSoManyConnectionsAndTheOthersOnceOneEnds) {
  constexpr std::size_t kMost = exec::RelayLoop::kMostConnections, kMore = 44;
  start({"stream-own-port"});
  const pid_t relay = relay_of(worker());
  const int idle_fds = open_fds_of(relay);
  std::list<Client> clients;
  for (std::size_t i = 0; i < kMost + kMore; ++i) clients.emplace_back(address()).send("Ex");
  auto one = clients.begin();
  for (std::size_t i = 0; i < kMost; ++i) EXPECT_EQ((one++)->receive(1), "x");
  EXPECT_EQ(open_fds_of(relay), idle_fds + 2 * static_cast<int>(kMost));
  EXPECT_LT(cpu_share_of(relay, 200ms), 0.1) << "it waits";
  EXPECT_FALSE(clients.back().has_something());
  for (std::size_t i = 0; i < kMore; ++i) clients.pop_front();
  for (; one != clients.end(); ++one) EXPECT_EQ(one->receive(1), "x");
  clients.clear();
  EXPECT_EQ(open_fds_within(relay, idle_fds, kPatience), idle_fds);
}

// ---- how it ends

TEST_F(Relay, EndsWithItsWorkerAndAllConnectionsWithIt) {
  start({"stream-own-port"});
  const UniqueFd relay = open_pidfd(relay_of(worker()));
  const Client idle(address()), last(address());
  idle.send("E1");
  EXPECT_EQ(idle.receive(1), "1");
  last.send("X");
  EXPECT_EQ(last.receive(), "bye") << "what the worker said before its end";
  EXPECT_EQ(idle.receive(), "");
  EXPECT_TRUE(ends_within(relay, kPatience));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = session_.at("worker")});
  EXPECT_EQ(gone.at("reason").at("kind"), "exited") << gone;
  EXPECT_EQ(gone.at("reason").at("code"), 3) << gone;
}

TEST_F(Relay, OfAWorkerThatIsKilledEndsItsConnections) {
  start({"stream-own-port"});
  const Client client(address());
  client.send("E1");
  EXPECT_EQ(client.receive(1), "1");
  ::kill(worker(), SIGKILL);
  EXPECT_EQ(client.receive(), "");
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = session_.at("worker")});
  EXPECT_EQ(gone.at("reason").at("kind"), "signaled") << gone;
}

TEST_F(Relay, ThatIsKilledEndsTheWorkerWithAReason) {
  start({"listen-own-port"});
  ::kill(relay_of(worker()), SIGKILL);
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = session_.at("worker")});
  EXPECT_EQ(gone.at("reason").at("kind"), "signaled") << gone;
  EXPECT_EQ(gone.at("reason").at("signal"), SIGKILL) << gone;
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("the relay"), std::string::npos) << gone;
}

TEST_F(Relay, WithoutADaemonEndsWithItsWorker) {
  start({"listen-own-port"});
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
  daemon_.start();
}

// ---- what it is

TEST_F(Relay, HasNoPrivilegesAndNothingOpenButItsSockets) {
  start({"listen-own-port"});
  const pid_t relay = relay_of(worker());
  auto status = status_of(relay);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_EQ(status[set], "0000000000000000") << set;
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["Groups"], "");
  EXPECT_NE(status["Uid"], status_of(worker())["Uid"]);
  EXPECT_EQ(namespace_of(relay, "net"), namespace_of(worker(), "net"));
  std::multiset<std::string> kinds;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(relay) + "/fd"))
    kinds.insert(fs::read_symlink(entry.path()).string().substr(0, 6));
  EXPECT_EQ(kinds, (std::multiset<std::string>{"/dev/n", "/dev/n", "/dev/n", "socket", "socket", "anon_i"}));
  const auto leaf = processes_in(daemon_.leaf_of(session_.at("worker")));
  EXPECT_TRUE(std::ranges::count(leaf, relay) == 1 || v2_mount().empty());
  const Json checks = daemon_.worker(session_.at("worker")).at("isolation");
  EXPECT_NE(checks.dump().find("\"relay\""), std::string::npos) << checks;
}

TEST_F(Relay, IsOutOfTheWorkersReach) {
  start({"listen-own-port"}, {{"sandbox", {{"user", "nobody"}}}});
  std::istringstream numbers(status_of(relay_of(worker()))["NSpid"]);
  std::string outside, inside;
  numbers >> outside >> inside;
  EXPECT_EQ(ask(address(), "/signal?" + inside).at("errno"), "EPERM");
}

TEST_F(Relay, IsNotThereForACommandInThePoolsSandbox) {
  start({"listen-own-port"});
  const Ran ran =
      Herdctl(daemon_.socket())
          .run({"run", "a", "--", "/bin/sh", "-c", "cat /proc/[0-9]*/comm; ls /proc/sys/net/ipv4/conf"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out.find("herd-relay"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("lo\n"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find("eth"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace herd::test

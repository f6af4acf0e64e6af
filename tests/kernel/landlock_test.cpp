// Landlock: what it forbids that nothing else does, and what a pool says of it.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>

#include "common/kernel/landlock.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace landlock = kernel::landlock;

/// Its filter is off, so that what stops it is Landlock.
Json pool_with(const std::string& mode, const Json& sandbox = Json::object()) {
  Json pool = testee_pool({"serve"}, {{"sandbox", {{"seccomp", "off"}, {"landlock", mode}}}});
  pool.at("sandbox").merge_patch(sandbox);
  return pool;
}

UniqueFd listen_on_the_abstract_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "herd-test-abstract";
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const bool is_listening =
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(fd.get(), 8) == 0;
  return is_listening ? std::move(fd) : UniqueFd();
}

class Landlock : public DaemonTest {
 protected:
  const UniqueFd names_ = lock_host("abstract-sockets");  // the host's network has one space of names for all

  Json probes_with(const std::string& mode, const Json& sandbox = Json::object()) {
    start_with("a", pool_with(mode, sandbox));
    return ask_session("a", "s", "/report").at("probes");
  }
  Json isolation() { return daemon_.worker(daemon_.workers("a").at(0).at("id")).at("isolation"); }
};

// Pitfall 48 (CVE-2020-15257).
TEST_F(Landlock, KeepsAWorkerFromTheHostsAbstractSocketsAndPorts) {
  HERD_ONLY_WITH(kernel_is_at_least(6, 12), "Linux 6.12");
  HERD_NEEDS(landlock::abi() >= landlock::kAbiScopes, "Landlock with scopes");
  const UniqueFd listener = listen_on_the_abstract_socket();
  ASSERT_TRUE(listener);
  const Json probes = probes_with("required");
  EXPECT_EQ(probes.at("abstract_socket"), "EPERM");
  EXPECT_EQ(probes.at("bind_tcp"), "EACCES");
  EXPECT_EQ(probes.at("write_tmp"), "ok");
  EXPECT_EQ(probes.at("write_dev_shm"), "ok");
  EXPECT_NE(probes.at("write_usr"), "ok");
  EXPECT_EQ(isolation().at("left_out"), Json::array());
  EXPECT_EQ(isolation().at("exposed"), Json::array({"the host's network"}));
}

// The same without: if these were refused by something else, the test above would prove nothing.
TEST_F(Landlock, WithoutItTheRecordSaysWhatIsOpen) {
  const UniqueFd listener = listen_on_the_abstract_socket();
  ASSERT_TRUE(listener);
  const Json probes = probes_with("off");
  EXPECT_EQ(probes.at("abstract_socket"), "ok");
  EXPECT_EQ(probes.at("bind_tcp"), "ok");
  EXPECT_EQ(isolation().at("exposed").size(), 2U);
}

TEST_F(Landlock, IsInTheRecord) {
  HERD_NEEDS(landlock::abi() > 0, "Landlock");
  probes_with("wanted");
  const Json record = isolation();
  const auto check = std::ranges::find_if(record.at("checks"),
                                          [](const Json& entry) { return entry.at("name") == "landlock"; });
  ASSERT_NE(check, record.at("checks").end());
  EXPECT_EQ(check->at("found"), "ABI " + std::to_string(landlock::abi()));
  EXPECT_EQ(record.at("left_out").empty(), landlock::abi() >= landlock::kAbiScopes);
}

TEST_F(Landlock, AWorkerThatBindsItsOwnPortMay) {
  HERD_ONLY_WITH(kernel_is_at_least(6, 12), "Linux 6.12");
  HERD_NEEDS(landlock::abi() >= landlock::kAbiScopes, "Landlock with scopes");
  Json pool = pool_with("required");
  pool["command"] = {"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "${PORT}"};
  pool["listen"] = "port";
  pool["ready"] = {{"connect", true}};
  start_with("a", pool);
  EXPECT_EQ(daemon_.acquire("a", "s").at("session"), "s");
}

TEST_F(Landlock, AWritablePathStaysWritable) {
  HERD_ONLY_WITH(kernel_is_at_least(6, 12), "Linux 6.12");
  HERD_NEEDS(landlock::abi() >= landlock::kAbiScopes, "Landlock with scopes");
  const std::string place = daemon_.directory() + "/place";
  std::filesystem::create_directory(place);
  std::filesystem::permissions(place, std::filesystem::perms::all);
  Json pool = pool_with("required", {{"filesystem", {{"writable", {place}}}}});
  pool["command"] = {"/bin/sh", "-c",
                     "echo x > " + place + "/file && mv " + place + "/file " + place +
                         "/moved && echo written; exec sleep infinity"};
  pool["listen"] = "none";
  pool["ready"] = {{"started", true}};
  start_with("a", pool);
  const std::string worker = daemon_.acquire("a", "s").at("worker");
  daemon_.wait_for_line(worker, [](const Json& line) { return line.at("text") == "written"; });
  EXPECT_EQ(text_of(place + "/moved"), "x\n");
}

}  // namespace
}  // namespace herd::test

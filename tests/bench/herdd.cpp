#include "tests/bench/herdd.hpp"

#include <fcntl.h>
#include <signal.h>

#include "common/kernel/files.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongestStart = 20s;
constexpr auto kLongestStop = 60s;

Status write_configuration(const std::string& directory, const Pools& pools, const nlohmann::json& more) {
  nlohmann::json daemon{{"control", {{"path", directory + "/run/control.sock"}}},
                        {"state_directory", directory + "/state"},
                        {"pools_directory", "pools.d"}};
  daemon.merge_patch(more);
  HERD_CHECK(kernel::make_directories(directory + "/pools.d", 0755));
  HERD_CHECK(kernel::replace_file(directory + "/herd.json", daemon.dump(), 0644));
  for (const auto& [name, pool] : pools)
    HERD_CHECK(kernel::replace_file(directory + "/pools.d/" + name + ".json", pool.dump(), 0644));
  return {};
}

Status wait_until_it_answers(Child& process, const std::string& socket) {
  for (const auto deadline = Clock::now() + kLongestStart; Clock::now() < deadline;) {
    if (!process.is_running()) return fail("herdd has ended");
    if (auto client = Client::connect(socket); client && client->expect_success("GET", "/healthz")) return {};
    wait_readable(-1, 5ms);
  }
  return fail("herdd does not answer");
}

}  // namespace

Result<Herdd> Herdd::start(const Place& place, const std::string& name, const Pools& pools,
                           const nlohmann::json& more) {
  const std::string directory = place.path() + "/" + name;
  HERD_CHECK(write_configuration(directory, pools, more));
  const std::string log = directory + "/log";
  const UniqueFd log_file(open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!log_file) return fail_errno("create '" + log + "'");
  HERD_TRY(Child process, Child::start({place.herdd(), "--config", directory + "/herd.json"}, log_file.get(),
                                       log_file.get()));
  Herdd daemon(std::move(process), directory + "/run/control.sock");
  if (auto answers = wait_until_it_answers(daemon.process_, daemon.socket_); !answers) {
    const auto said = kernel::read_file(log);
    return fail(answers.error().message + "; its log: " + said.value_or("unreadable"));
  }
  return daemon;
}

Herdd::~Herdd() {
  if (process_.is_running()) process_.end(SIGTERM, kLongestStop);
}

}  // namespace herd::bench

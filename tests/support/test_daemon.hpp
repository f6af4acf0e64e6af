// The real herdd, with a configuration, directories and a cgroup root of its own. What goes wrong in the
// harness is an exception, which GoogleTest reports with the test.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/control/client.hpp"
#include "tests/support/host.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {

using Json = nlohmann::json;
using protocol::Reply;

struct DaemonOptions {
  Json config = Json::object();          // merged over the harness's herd.json
  std::vector<std::string> environment;  // "NAME=value", beside PATH and NOTIFY_SOCKET
  std::function<void()> before_exec;     // in the child that becomes herdd; still root
  /// herdd runs as this user, who has its files and asks it; copies of the programs are in programs().
  std::optional<uid_t> user = {};
  gid_t group = 0;
  std::vector<gid_t> groups = {};  // supplementary ones
};

/// Which event is meant: empty parts match all.
struct EventMatch {
  std::string type, pool, worker, session;
  std::uint64_t after = 0;  // only those with a higher seq
};

/// A pool file for tests/testees/testee: one worker of `behaviour`, short times. `overrides` is merged over
/// it.
Json testee_pool(const std::vector<std::string>& behaviour, const Json& overrides = Json::object());

/// One that serves, with seccomp off, so that nothing but the rest of the sandbox stops it. `sandbox` is
/// merged over its sandbox.
Json unfiltered_pool(const Json& sandbox = Json::object());

class TestDaemon {
 public:
  explicit TestDaemon(DaemonOptions options = {});
  /// Kills what is left and clears up. The checks are stop()'s.
  ~TestDaemon();
  TestDaemon(const TestDaemon&) = delete;
  TestDaemon& operator=(const TestDaemon&) = delete;

  // ---- its files
  /// In place of the one it was made with; merged over the harness's own.
  void write_config(const Json& config) const;
  void write_pool(const std::string& name, const Json& pool) const { write_pool_text(name, pool.dump(2)); }
  void write_pool_text(const std::string& name, const std::string& text) const;
  void remove_pool(const std::string& name) const;
  [[nodiscard]] const std::string& directory() const { return directory_.path(); }
  /// Where herdd is: the build's directory may be out of an ordinary user's reach, as in /root.
  [[nodiscard]] std::string programs() const;
  [[nodiscard]] const std::string& cgroup_root() const { return cgroup_root_; }
  [[nodiscard]] std::string socket() const;
  /// The worker's cgroup, as /proc/PID/cgroup shows it: "/ROOT/POOL/WORKER".
  [[nodiscard]] std::string leaf_of(const std::string& worker) const;
  /// Those of its directories that are there, in all hierarchies.
  [[nodiscard]] std::vector<std::string> leaf_directories(const std::string& worker) const;
  [[nodiscard]] std::string log() const { return text_of(directory() + "/log"); }

  // ---- its life
  void start();
  /// Without waiting for it to be ready: for tests of what happens before.
  void launch();
  /// `herdd --check`: the exit code; what it says is in log().
  int check();
  /// Starts it where it is expected to refuse: its exit code.
  int start_in_vain();
  [[nodiscard]] bool is_running() const { return process_.is_started(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  void signal(int number) const { process_.signal(number); }
  /// SIGTERM; fails the test unless it ends well and nothing of it is left (design: invariant 2).
  void stop();
  /// SIGKILL, and waits for the daemon alone.
  void kill();
  /// Waits for what the daemon left to its workers' own ends. False after the deadline.
  [[nodiscard]] bool workers_end_within(std::chrono::milliseconds deadline) const;
  /// What is left of a daemon that has ended, one sentence each.
  [[nodiscard]] std::vector<std::string> leftovers() const;

  // ---- its control socket
  Reply call(const std::string& method, const std::string& target, const Json& body = nullptr);
  /// The body; an exception where the answer is not 2xx.
  Json get(const std::string& target) { return expect_ok("GET", target, nullptr); }
  Json post(const std::string& target, const Json& body = nullptr) { return expect_ok("POST", target, body); }
  Json remove(const std::string& target) { return expect_ok("DELETE", target, nullptr); }
  Json acquire(const std::string& pool, const std::string& session, const Json& more = Json::object());
  Json worker(const std::string& id) { return get("/v1/workers/" + id); }
  /// The pool's workers, as they are listed now.
  Json workers(const std::string& pool) { return get("/v1/pools/" + pool + "/workers").at("workers"); }
  protocol::LineStream open(const std::string& method, const std::string& target, const Json& body = nullptr);

  // ---- its events
  Json wait_for(const EventMatch& match);
  Json wait_for(const std::function<bool(const Json&)>& predicate);
  /// The record of the pool's first worker that gets ready.
  Json wait_until_ready(const std::string& pool);
  /// For what no event tells of: asks for the pool again and again, until it is so.
  Json wait_for_pool(const std::string& pool, const std::function<bool(const Json&)>& predicate);
  /// All events up to now.
  std::vector<Json> events();
  [[nodiscard]] static bool matches(const Json& event, const EventMatch& match);

  /// A line of the worker's output, waited for: {"text", "stream", "cut", ...}.
  Json wait_for_line(const std::string& worker, const std::function<bool(const Json&)>& predicate);

 private:
  Json expect_ok(const std::string& method, const std::string& target, const Json& body);
  [[nodiscard]] Process spawn(const std::vector<std::string>& more_arguments,
                              const std::string& notify_socket) const;
  void wait_until_it_says_ready();
  void follow_events();
  std::runtime_error failure(const std::string& what) const;
  void give_to_user(const std::string& path) const;
  template <typename Body>
  auto as_its_user(Body body) const;

  DaemonOptions options_;
  TemporaryDirectory directory_;
  std::string cgroup_root_;
  Process process_;
  UniqueFd notify_;  // where it says that it is ready
  std::unique_ptr<protocol::Client> client_;
  std::optional<protocol::LineStream> event_stream_;
  std::vector<Json> seen_;
};

}  // namespace herd::test

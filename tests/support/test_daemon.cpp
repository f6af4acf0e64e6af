#include "tests/support/test_daemon.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "common/kernel/cgroup.hpp"
#include "tests/support/as_user.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

Json daemon_file(const std::string& directory, const std::string& cgroup_root) {
  return {{"control", {{"path", directory + "/run/control.sock"}}},
          {"state_directory", directory + "/state"},
          {"pools_directory", "pools.d"},
          {"cgroup", {{"root", cgroup_root}}}};
}

UniqueFd bind_notify_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ::unlink(path.c_str());
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("bind " + path);
  return fd;
}

/// Orphans of a daemon come to the test (it is their subreaper): the ones that ended are of no interest.
void reap_orphans() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

/// The next line; false at the stream's end or the deadline.
bool next_line(protocol::LineStream& stream, std::string& line, Clock::time_point deadline) {
  while (true) {
    const auto state = stream.try_next(line);
    if (!state || *state == protocol::LineStream::State::ended) return false;
    if (*state == protocol::LineStream::State::line) return true;
    pollfd entry{stream.fd(), POLLIN, 0};
    if (::poll(&entry, 1, milliseconds_left(deadline)) == 0) return false;
  }
}

}  // namespace

Json testee_pool(const std::vector<std::string>& behaviour, const Json& overrides) {
  Json command = Json::array({HERD_TEST_TESTEE});
  for (const std::string& word : behaviour) command.push_back(word);
  // The build tree may lie in /home, /root or /tmp, which workers don't see.
  Json pool{
      {"command", command},
      {"workers", {{"min", 1}, {"max", 1}, {"spare", 0}}},
      {"ready", {{"timeout", "20s"}}},
      {"stop", {{"grace", "5s"}}},
      {"limits", {{"cpu", "off"}}},
      {"sandbox", {{"filesystem", {{"read_only", {fs::path(HERD_TEST_TESTEE).parent_path().string()}}}}}}};
  pool.merge_patch(overrides);
  return pool;
}

Json unfiltered_pool(const Json& sandbox) {
  Json pool = testee_pool({"serve"}, {{"sandbox", {{"seccomp", "off"}}}});
  pool.merge_patch({{"sandbox", sandbox}});
  return pool;
}

TestDaemon::TestDaemon(DaemonOptions options)
    : options_(std::move(options)), cgroup_root_(fs::path(directory()).filename().string()) {
  fs::create_directory(directory() + "/pools.d");
  write_config(options_.config);
  if (!options_.user) return;
  fs::create_directory(directory() + "/bin");
  const std::string built = fs::path(HERD_TEST_HERDD).parent_path();
  for (const char* program :
       {"herdd", "herd-exec", "herd-gateway", "herdctl", "testees/testee", "testees/escape"})
    fs::copy_file(built + "/" + program, programs() + "/" + fs::path(program).filename().string());
  for (const char* path : {"", "/pools.d", "/herd.json"}) give_to_user(directory() + path);
}

std::string TestDaemon::programs() const {
  return options_.user ? directory() + "/bin" : fs::path(HERD_TEST_HERDD).parent_path().string();
}

void TestDaemon::give_to_user(const std::string& path) const {
  if (options_.user && ::chown(path.c_str(), *options_.user, options_.group) != 0)
    throw std::runtime_error("chown " + path);
}

template <typename Body>
auto TestDaemon::as_its_user(Body body) const {
  return options_.user ? as_user(*options_.user, options_.group, body) : body();
}

TestDaemon::~TestDaemon() {
  if (is_running()) kill();
  if (options_.user) ::unlink(("/tmp/herd-uids-" + std::to_string(*options_.user) + ".lock").c_str());
  const auto layout = kernel::find_cgroups(text_of("/proc/self/mountinfo"));
  if (!layout) return;
  if (const auto cgroups = kernel::Cgroups::open(*layout, cgroup_root_)) {
    (void)cgroups->clean();
    cgroups->remove_root();
  }
  reap_orphans();
}

void TestDaemon::write_config(const Json& config) const {
  Json file = daemon_file(directory(), cgroup_root_);
  file.merge_patch(config);
  directory_.write("herd.json", file.dump(2));
  give_to_user(directory() + "/herd.json");
}

void TestDaemon::write_pool_text(const std::string& name, const std::string& text) const {
  directory_.write("pools.d/" + name + ".json", text);
  give_to_user(directory() + "/pools.d/" + name + ".json");
}

void TestDaemon::remove_pool(const std::string& name) const {
  fs::remove(directory() + "/pools.d/" + name + ".json");
}

std::string TestDaemon::socket() const {
  return directory() + "/run/control.sock";
}

std::string TestDaemon::leaf_of(const std::string& worker) const {
  return "/" + cgroup_root_ + "/" + worker.substr(0, worker.rfind('-')) + "/" + worker;
}

std::vector<std::string> TestDaemon::leaf_directories(const std::string& worker) const {
  std::vector<std::string> found;
  for (const CgroupMount& mount : cgroup_mounts())
    if (fs::exists(mount.path + leaf_of(worker))) found.push_back(mount.path + leaf_of(worker));
  return found;
}

Process TestDaemon::spawn(const std::vector<std::string>& more_arguments,
                          const std::string& notify_socket) const {
  std::vector<std::string> arguments{programs() + "/herdd", "--config", directory() + "/herd.json"};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  if (!notify_socket.empty()) environment.push_back("NOTIFY_SOCKET=" + notify_socket);
  environment.insert(environment.end(), options_.environment.begin(), options_.environment.end());
  const auto before_exec = [this] {
    if (options_.before_exec) options_.before_exec();
    if (options_.user) become_user(*options_.user, options_.group, options_.groups);
  };
  return Process(arguments, {environment, before_exec, directory() + "/log"});
}

void TestDaemon::start() {
  launch();
  wait_until_it_says_ready();
}

void TestDaemon::launch() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const std::string path = directory() + "/notify";
  notify_ = bind_notify_socket(path);
  give_to_user(path);
  process_ = spawn({}, path);
  seen_.clear();
  event_stream_.reset();
  client_ = std::make_unique<protocol::Client>(socket());
}

void TestDaemon::wait_until_it_says_ready() {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    pollfd entries[2]{{notify_.get(), POLLIN, 0}, {process_.pidfd().get(), POLLIN, 0}};
    if (::poll(entries, 2, milliseconds_left(deadline)) == 0) throw failure("herdd did not get ready");
    if (entries[0].revents == 0) {
      (void)process_.wait(0ms);
      throw failure("herdd ended instead of getting ready");
    }
    char text[4096];
    const ssize_t size = ::recv(notify_.get(), text, sizeof text, 0);
    if (size > 0 && std::string_view(text, static_cast<std::size_t>(size)).starts_with("READY=1")) return;
  }
}

int TestDaemon::check() {
  const auto status = spawn({"--check"}, "").wait(kPatience);
  if (!status || !WIFEXITED(*status)) throw failure("herdd --check did not end");
  return WEXITSTATUS(*status);
}

int TestDaemon::start_in_vain() {
  const auto status = spawn({}, "").wait(kPatience);
  if (!status || !WIFEXITED(*status)) throw failure("herdd did not refuse to start");
  return WEXITSTATUS(*status);
}

void TestDaemon::stop() {
  event_stream_.reset();
  signal(SIGTERM);
  const auto status = process_.wait(kPatience);
  if (!status)
    throw failure("herdd did not end within " + std::to_string(kPatience.count()) + " s of SIGTERM");
  EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0) << "herdd's wait status is " << *status;
  reap_orphans();
  for (const std::string& left : leftovers()) ADD_FAILURE() << "left over: " << left;
}

void TestDaemon::kill() {
  event_stream_.reset();
  client_.reset();
  signal(SIGKILL);
  if (!process_.wait(kPatience)) throw failure("herdd did not end of SIGKILL");
}

bool TestDaemon::workers_end_within(std::chrono::milliseconds deadline) const {
  const bool ended = empties_within(cgroup_root_, deadline);
  reap_orphans();
  return ended;
}

std::vector<std::string> TestDaemon::leftovers() const {
  std::vector<std::string> left;
  for (const pid_t pid : processes_below(cgroup_root_))
    left.push_back("process " + std::to_string(pid) + " " + status_of(pid)["Name"]);
  for (const CgroupMount& mount : cgroup_mounts())
    if (fs::exists(mount.path + "/" + cgroup_root_))
      left.push_back("cgroup " + mount.path + "/" + cgroup_root_);
  if (fs::exists(socket())) left.push_back("the control socket");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory() + "/run/workers", error))
    left.push_back("socket " + entry.path().string());
  if (text_of("/proc/self/mountinfo").find(directory()) != std::string::npos)
    left.push_back("a mount below " + directory());
  for (const pid_t child : children_of(::getpid()))
    if (test::is_running(child) && status_of(child)["Name"] == "herd-exec")
      left.push_back("child " + std::to_string(child) + " herd-exec");
  return left;
}

Reply TestDaemon::call(const std::string& method, const std::string& target, const Json& body) {
  auto reply = as_its_user([&] { return client_->send({.method = method, .target = target, .body = body}); });
  if (!reply) throw failure(reply.error().message);
  return std::move(*reply);
}

Json TestDaemon::expect_ok(const std::string& method, const std::string& target, const Json& body) {
  const Reply reply = call(method, target, body);
  if (!reply.ok())
    throw failure(method + " " + target + ": " + std::to_string(reply.status) + " " + reply.text);
  return reply.body;
}

Json TestDaemon::acquire(const std::string& pool, const std::string& session, const Json& more) {
  Json body{{"session", session}};
  body.merge_patch(more);
  return post("/v1/pools/" + pool + "/sessions", body);
}

protocol::LineStream TestDaemon::open(const std::string& method, const std::string& target,
                                      const Json& body) {
  auto stream =
      as_its_user([&] { return client_->open({.method = method, .target = target, .body = body}); });
  if (!stream) throw failure(stream.error().message);
  if (!stream->head().ok()) throw failure(method + " " + target + ": " + stream->head().text);
  return std::move(*stream);
}

void TestDaemon::follow_events() {
  if (event_stream_) return;
  const std::string since = seen_.empty() ? "0" : std::to_string(seen_.back().at("seq").get<std::uint64_t>());
  event_stream_ = open("GET", "/v1/events?since=" + since);
}

bool TestDaemon::matches(const Json& event, const EventMatch& match) {
  const auto is = [&event](const char* key, const std::string& wanted) {
    return wanted.empty() || (event.contains(key) && event.at(key) == wanted);
  };
  return is("type", match.type) && is("pool", match.pool) && is("worker", match.worker) &&
         is("session", match.session) && event.at("seq").get<std::uint64_t>() > match.after;
}

Json TestDaemon::wait_for(const EventMatch& match) {
  try {
    return wait_for([&match](const Json& event) { return matches(event, match); });
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("waited for " + match.type + " " + match.pool + " " + match.worker + " " +
                             match.session + ": " + error.what());
  }
}

Json TestDaemon::wait_for(const std::function<bool(const Json&)>& predicate) {
  for (const Json& event : seen_)
    if (predicate(event)) return event;
  follow_events();
  const auto deadline = Clock::now() + kPatience;
  for (std::string line; next_line(*event_stream_, line, deadline);) {
    seen_.push_back(Json::parse(line));
    if (predicate(seen_.back())) return seen_.back();
  }
  std::string last;
  for (std::size_t i = seen_.size() > 10 ? seen_.size() - 10 : 0; i < seen_.size(); ++i)
    last += seen_[i].dump() + "\n";
  throw failure("the event did not come; the last ones:\n" + last);
}

Json TestDaemon::wait_until_ready(const std::string& pool) {
  return worker(wait_for({.type = "worker_ready", .pool = pool}).at("worker"));
}

Json TestDaemon::wait_for_pool(const std::string& pool, const std::function<bool(const Json&)>& predicate) {
  const auto deadline = Clock::now() + kPatience;
  Json found;
  do {
    found = get("/v1/pools/" + pool);
    if (predicate(found)) return found;
  } while (Clock::now() < deadline);
  throw failure("pool '" + pool + "' did not come so far: " + found.dump());
}

std::vector<Json> TestDaemon::events() {
  std::vector<Json> all;
  auto stream = open("GET", "/v1/events?since=0&follow=0");
  for (std::string line; next_line(stream, line, Clock::now() + kPatience);) all.push_back(Json::parse(line));
  return all;
}

Json TestDaemon::wait_for_line(const std::string& worker, const std::function<bool(const Json&)>& predicate) {
  auto stream = open("GET", "/v1/workers/" + worker + "/logs?follow=1");
  const auto deadline = Clock::now() + kPatience;
  for (std::string line; next_line(stream, line, deadline);)
    if (const Json parsed = Json::parse(line); predicate(parsed)) return parsed;
  throw failure("worker " + worker + " did not write the line");
}

std::runtime_error TestDaemon::failure(const std::string& what) const {
  return std::runtime_error(what + "\n---- the daemon's log\n" + log());
}

}  // namespace herd::test

#include "tests/support/rootless.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "common/kernel/files.hpp"
#include "tests/support/as_user.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// A file that exists as long as its mount does.
bool cover(const char* path, const std::string& content) {
  char file[] = "/tmp/herd-test-XXXXXX";
  const UniqueFd fd(::mkstemp(file));
  const bool is_done = fd && ::write(fd.get(), content.data(), content.size()) >= 0 &&
                       ::fchmod(fd.get(), 0644) == 0 && ::mount(file, path, nullptr, MS_BIND, nullptr) == 0;
  ::unlink(file);
  return is_done;
}

std::string line(std::uint32_t first, std::uint32_t count) {
  return std::string(kUserName) + ":" + std::to_string(first) + ":" + std::to_string(count) + "\n";
}

std::vector<std::string> files_for(const CgroupMount& mount) {
  if (mount.is_v2) return {"", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"};
  return {"", "/cgroup.procs", "/tasks"};
}

constexpr const char* kSubtreeControl = "/cgroup.subtree_control";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// What a service manager gives with Delegate=yes, as far as this tree has it: which were not given before.
std::vector<std::string> give_to_children(const std::string& top) {
  const std::vector<std::string> before = words_of(text_of(top + kSubtreeControl));
  std::vector<std::string> given;
  for (const char* controller : {"cpu", "memory", "pids"})
    if (std::ranges::find(before, controller) == before.end() &&
        kernel::write_file(top + kSubtreeControl, std::string("+") + controller))
      given.emplace_back(controller);
  return given;
}

void remove_below(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.is_directory(error)) remove_below(entry.path());
  ::rmdir(directory.c_str());
}

}  // namespace

std::function<void()> with_subordinate_ids(SubordinateIds ids) {
  const bool has_some = ids == SubordinateIds::some;
  const std::string uids = has_some ? line(first_uid(), kUidCount) : "";
  const std::string gids = has_some ? line(first_gid(), kGidCount) : "";
  return [uids, gids] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        !cover("/etc/subuid", uids) || !cover("/etc/subgid", gids))
      ::_exit(126);
  };
}

DaemonOptions rootless(SubordinateIds ids, Json config) {
  DaemonOptions options;
  options.config = std::move(config);
  options.before_exec = with_subordinate_ids(ids);
  options.user = kUser;
  options.group = kUsersGroup;
  return options;
}

Json rootless_pool(const TestDaemon& daemon, Json pool, const Json& sandbox) {
  Json& program = pool.at("command").at(0);
  program = daemon.programs() + "/" + fs::path(program.get<std::string>()).filename().string();
  pool["sandbox"]["filesystem"]["read_only"] = {daemon.programs()};
  pool["sandbox"]["required"] = false;
  pool["sandbox"].merge_patch(sandbox);
  return pool;
}

DelegatedCgroups::DelegatedCgroups() {
  static int count = 0;
  name_ = "herd-test-user-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  for (const CgroupMount& mount : cgroup_mounts()) {
    if (mount.controllers.find("cpuset") != std::string::npos) continue;  // takes nobody before it is set up
    if (::mkdir((mount.path + path()).c_str(), 0755) != 0) throw std::runtime_error("mkdir " + mount.path);
    if (mount.is_v2) given_ = give_to_children(mount.path);
    for (const std::string& file : files_for(mount))
      if (::chown((mount.path + path() + file).c_str(), kUser, kUsersGroup) != 0)
        throw std::runtime_error("chown " + mount.path + path() + file);
  }
}

DelegatedCgroups::~DelegatedCgroups() {
  for (const CgroupMount& mount : cgroup_mounts()) remove_below(mount.path + path());
  for (const std::string& controller : given_)
    (void)kernel::write_file(v2_mount() + kSubtreeControl, "-" + controller);
}

void DelegatedCgroups::join() const {
  for (const CgroupMount& mount : cgroup_mounts())
    if (fs::exists(mount.path + path()) && !kernel::write_file(mount.path + path() + "/cgroup.procs", "0"))
      ::_exit(126);
}

void DelegatedCgroups::let_processes_in() const {
  const std::string base = v2_mount() + path();
  const std::vector<std::string> given = words_of(text_of(base + kSubtreeControl));
  if (given.empty()) return;
  (void)kernel::write_file(base + "/cgroup.kill", "1");
  empties_within(path(), kPatience);
  for (const std::string& child : children()) remove_below(child);
  for (const std::string& controller : given)
    if (!kernel::write_file(base + kSubtreeControl, "-" + controller))
      throw std::runtime_error("take " + controller + " from the children of " + base);
}

std::vector<std::string> DelegatedCgroups::children() const {
  std::vector<std::string> found;
  for (const CgroupMount& mount : cgroup_mounts()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(mount.path + path(), error))
      if (entry.is_directory(error)) found.push_back(entry.path());
  }
  return found;
}

std::vector<pid_t> processes_with_subordinate_uids() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto status = status_of(entry.path().filename().string());
    if (!status.contains("Uid")) continue;
    const auto uid = static_cast<std::uint32_t>(std::stoul(status.at("Uid")));
    if (uid >= first_uid() && uid - first_uid() < kUidCount) found.push_back(std::stoi(status.at("Pid")));
  }
  return found;
}

}  // namespace herd::test

#include "daemon/worker/verify.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>

#include "common/kernel/files.hpp"
#include "common/kernel/landlock.hpp"
#include "common/kernel/path_walk.hpp"
#include "common/seccomp/listener.hpp"

namespace herd::worker {
namespace {

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016lx", static_cast<unsigned long>(value));
  return text;
}

std::string joined(const std::vector<std::uint32_t>& ids) {
  std::string text;
  for (const std::uint32_t id : ids) text += (text.empty() ? "" : " ") + std::to_string(id);
  return text.empty() ? "none" : text;
}

std::string all_but(const std::vector<std::string>& mounts) {
  std::string text;
  for (const std::string& mount : mounts) text += (text.empty() ? "not " : " ") + mount;
  return text.empty() ? "all mounts" : text;
}

std::string link_at(int directory, const std::string& path) {
  std::array<char, 128> buffer{};
  const ssize_t count = readlinkat(directory, path.c_str(), buffer.data(), buffer.size());
  return count < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(count));
}

UniqueFd open_process(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid);
  return UniqueFd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/// "PID/task/TID" of all threads of a process; none where it is gone.
std::vector<std::string> threads_of(int process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  const std::string only_one = tasks + "/" + std::to_string(process);
  // How many there are stands in the number of links, two more (proc_task_getattr(), fs/proc/base.c).
  struct stat directory {};
  if (stat(tasks.c_str(), &directory) == 0 && directory.st_nlink == 3) return {only_one};
  std::vector<std::string> threads;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(tasks, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    threads.push_back(entry->path());
  return threads;
}

/// "holds one", "" where it does not, or why that can't be read. Who has ended holds nothing.
std::string listener_of(int process) {
  const std::string files = "/proc/" + std::to_string(process) + "/fd";
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(files, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (link_at(AT_FDCWD, entry->path()) == seccomp::Listener::kLink) return "holds one";
  const bool has_ended = error == std::errc::no_such_file_or_directory || error == std::errc::no_such_process;
  return !error || has_ended ? "" : error.message();
}

class Verifier {
 public:
  Verifier(pid_t pid, const Expectation& expected, const kernel::WorkerCgroup& cgroup)
      : pid_(pid), proc_(open_process(pid)), expected_(expected), cgroup_(cgroup) {}

  std::vector<Check> of_processes() {
    threads();
    identity();
    return std::move(checks_);
  }
  std::vector<Check> of_surroundings() {
    namespaces();
    cgroup();
    mounts();
    landlock();
    relay();
    return std::move(checks_);
  }

 private:
  void add(std::string name, std::string wanted, std::string found) {
    const bool ok = wanted == found;
    checks_.push_back({std::move(name), std::move(wanted), std::move(found), ok});
  }
  void add_unreadable(std::string name, const Error& error) {
    checks_.push_back({std::move(name), "readable", error.message, false});
  }

  /// Of every thread of every process of the worker: a child that was forked before the worker entered its
  /// sandbox would have the worker's files and not its filter. Whoever is read has what it has for ever, and
  /// hands it on, so all is seen when nobody new is there after the last was read; a chain of children that
  /// each end at once must not slip through between two looks.
  std::vector<kernel::ProcessStatus> all_threads() {
    constexpr int kMostRounds = 16;
    std::vector<kernel::ProcessStatus> found;
    std::set<std::string> read;
    std::set<int>& processes = processes_;
    processes = {pid_};
    if (const auto first = kernel::read_status(proc_.get(), "status")) {
      found.push_back(*first);
      read.insert("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_));
    }
    for (int round = 0; round < kMostRounds; ++round) {
      bool has_seen_all = true;
      for (const int process : processes) {
        for (const std::string& thread : threads_of(process)) {
          if (read.contains(thread)) continue;
          has_seen_all = false;
          const auto status = kernel::read_status(AT_FDCWD, thread + "/status");
          if (!status) continue;
          found.push_back(*status);
          read.insert(thread);
        }
      }
      // After their threads: what one of them forked before it ended is there by now.
      const auto members = cgroup_.processes();
      if (!members) {
        add_unreadable("processes", members.error());
        return found;
      }
      for (const int process : *members)
        if (process != expected_.init && process != expected_.relay && processes.insert(process).second)
          has_seen_all = false;
      if (has_seen_all) return found;
    }
    add("processes", "all read", "some began or ended while they were, each time");
    return found;
  }

  /// no-new-privs and the filter are properties of a thread: every one must have them.
  void threads() {
    const launch::Plan& plan = expected_.plan;
    const int wanted_filters = expected_.daemon.seccomp_filters + (expected_.has_seccomp ? 1 : 0);
    const int wanted_mode = wanted_filters > 0 ? 2 : 0;
    std::string no_new_privs = "1", mode = std::to_string(wanted_mode);
    int fewest = -1;
    for (const kernel::ProcessStatus& status : all_threads()) {
      if (!status.no_new_privs) no_new_privs = "0";
      if (status.seccomp_mode != wanted_mode) mode = std::to_string(status.seccomp_mode);
      if (fewest < 0 || status.seccomp_filters < fewest) fewest = status.seccomp_filters;
    }
    if (fewest < 0) return add("process", "alive", "gone");
    if (plan.no_new_privs || expected_.daemon.no_new_privs) add("no_new_privs", "1", no_new_privs);
    if (!expected_.has_seccomp) return;  // `off`: what the program does to itself is its own affair
    add("seccomp", std::to_string(wanted_mode), mode);
    const std::string wanted = "at least " + std::to_string(wanted_filters);
    checks_.push_back({"seccomp_filters", wanted, std::to_string(fewest), fewest >= wanted_filters});
    if (plan.seccomp_notifies) add("seccomp_listener", "herdd's alone", holder_of_listener());
  }

  /// Who has it answers for the filter: no process of the worker may.
  std::string holder_of_listener() {
    if (!expected_.has_listener) return "never came";
    for (const int process : processes_)
      if (const std::string found = listener_of(process); !found.empty())
        return "process " + std::to_string(process) + ": " + found;
    return "herdd's alone";
  }

  void identity() {
    const auto status = kernel::read_status(proc_.get(), "status");
    if (!status) return add_unreadable("status", status.error());
    const launch::Plan& plan = expected_.plan;
    add("uid", joined({plan.uid, plan.uid, plan.uid, plan.uid}), joined(status->uids));
    add("gid", joined({plan.gid, plan.gid, plan.gid, plan.gid}), joined(status->gids));
    std::vector<std::uint32_t> groups = plan.groups;
    std::ranges::sort(groups);
    std::vector<std::uint32_t> found = status->groups;
    std::ranges::sort(found);  // the kernel's order is that of the numbers outside of the user namespace
    add("groups", joined(groups), joined(found));
    const std::string capabilities = hex(plan.capabilities);
    add("capabilities inheritable", capabilities, hex(status->cap_inheritable));
    add("capabilities permitted", capabilities, hex(status->cap_permitted));
    add("capabilities effective", capabilities, hex(status->cap_effective));
    add("capabilities bounding", capabilities, hex(status->cap_bounding));
    add("capabilities ambient", capabilities, hex(status->cap_ambient));
  }

  void namespaces() {
    const launch::Namespaces& wanted = expected_.plan.namespaces;
    const std::array<bool, kNamespaceKinds.size()> own{wanted.pid, wanted.mount,  wanted.ipc,
                                                       wanted.uts, wanted.cgroup, wanted.network};
    for (std::size_t i = 0; i < own.size(); ++i) {
      const std::string kind = kNamespaceKinds[i];
      const std::string& host = expected_.daemon.namespaces[i];
      const std::string found = link_at(proc_.get(), "ns/" + kind);
      const bool differs = found != host;
      checks_.push_back({"namespace " + kind, own[i] ? "own" : "host",
                         found.empty() ? "unreadable" : (differs ? "own " : "host ") + found,
                         !found.empty() && !host.empty() && differs == own[i]});
    }
  }

  void cgroup() {
    const auto text = kernel::read_record("cgroup", proc_.get());
    if (!text) return add_unreadable("cgroup", text.error());
    for (const auto& [line, path] : cgroup_.paths_by_hierarchy()) {
      std::string found = "not a member";
      std::istringstream lines(*text);
      for (std::string row; std::getline(lines, row);) {
        const std::size_t first = row.find(':');
        const std::size_t second = first == std::string::npos ? first : row.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = "," + row.substr(first + 1, second - first - 1) + ",";
        if (controllers.find("," + line + ",") != std::string::npos) found = row.substr(second + 1);
      }
      add(line.empty() ? "cgroup" : "cgroup " + line, path, found);
    }
    for (const kernel::LimitReading& limit : cgroup_.read_limits())
      add("limit " + limit.name, limit.wanted, limit.found);
  }

  void landlock() {
    const launch::LandlockMode mode = expected_.plan.landlock.mode;
    if (mode == launch::LandlockMode::off) return;
    const bool is_required = mode == launch::LandlockMode::required;
    const int abi = expected_.landlock_abi;
    checks_.push_back({"landlock", is_required ? "all rules" : "what the kernel has",
                       abi == 0 ? "none" : "ABI " + std::to_string(abi),
                       !is_required || abi >= kernel::landlock::kAbiScopes});
  }

  /// It is left out of what is asked of the worker's own processes, so it has to be harmless on its own.
  void relay() {
    if (expected_.plan.relay_port == 0) return;
    const UniqueFd proc = open_process(expected_.relay);
    const auto status = kernel::read_status(proc.get(), "status");
    if (!status) return add_unreadable("relay", status.error());
    const std::uint64_t capabilities = status->cap_inheritable | status->cap_permitted |
                                       status->cap_effective | status->cap_bounding | status->cap_ambient;
    std::string found;
    if (capabilities != 0) found += "capabilities ";
    if (!status->no_new_privs) found += "new privileges ";
    if (std::ranges::count(status->uids, expected_.plan.uid) != 0) found += "the worker's uid ";
    if (link_at(proc.get(), "ns/net") != link_at(proc_.get(), "ns/net")) found += "another network ";
    const auto processes = cgroup_.processes().value_or(std::vector<int>{});
    if (std::ranges::count(processes, expected_.relay) == 0) found += "another cgroup ";
    add("relay", "apart", found.empty() ? "apart" : found);
  }

  void mounts() {
    if (!expected_.plan.namespaces.mount) return;
    const UniqueFd top(openat(proc_.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    root(top.get());
    const auto text = kernel::read_file("mountinfo", 4 << 20, proc_.get());
    if (!text) return add_unreadable("mounts", text.error());
    std::vector<std::string> allowed = own_writable_mounts();
    const auto& writable = expected_.plan.filesystem.writable;
    allowed.insert(allowed.end(), writable.begin(), writable.end());
    for (const std::string& path : writable)  // mounted where its links lead
      if (const auto there = kernel::walk_inside(top.get(), path, kernel::Links::all))
        allowed.push_back(there->path);
    std::string found;
    const std::vector<kernel::Mount> mounts = kernel::parse_mountinfo(*text);
    for (const std::string& mount : unexpected_writable_mounts(mounts, allowed))
      found += (found.empty() ? "" : " ") + mount;
    add("writable mounts", "none but its own", found.empty() ? "none but its own" : found);
    add("nosuid", "all mounts", all_but(mounts_with_setuid(mounts)));
    add("nodev", "all mounts but /dev", all_but(mounts_with_devices(mounts)) + " but /dev");
  }

  /// Which directory "/" is to the worker: the kernel's link there leads to it.
  void root(int top) {
    const launch::Root& wanted = expected_.plan.filesystem.root;
    struct stat found {
    }, host{};
    struct statfs filesystem {};
    if (fstat(top, &found) != 0 || fstatfs(top, &filesystem) != 0 || stat("/", &host) != 0)
      return add_unreadable("root", fail_errno("root").value());
    const auto is = [&](std::uint64_t device, std::uint64_t inode) {
      return found.st_dev == device && found.st_ino == inode;
    };
    const launch::UsedFile& directory = expected_.root_directory;
    std::string seen = "another directory";
    if (is(host.st_dev, host.st_ino)) {
      seen = "/";
    } else if (is(directory.device, directory.inode)) {
      seen = wanted.directory;
    } else if (filesystem.f_type == TMPFS_MAGIC) {
      seen = "a tree of its own";
    }
    add("root",
        wanted.kind == launch::RootKind::minimal     ? "a tree of its own"
        : wanted.kind == launch::RootKind::directory ? wanted.directory
                                                     : "/",
        seen);
  }

  pid_t pid_;
  UniqueFd proc_;  // /proc/PID: the same process for all reads, whatever becomes of its number
  const Expectation& expected_;
  const kernel::WorkerCgroup& cgroup_;
  std::set<int> processes_;  // the worker's, as threads() found them
  std::vector<Check> checks_;
};

}  // namespace

Result<DaemonFacts> read_daemon_facts() {
  HERD_TRY(const auto status, kernel::read_status(AT_FDCWD, "/proc/self/status"));
  DaemonFacts facts{status.seccomp_filters, status.no_new_privs, {}};
  for (std::size_t i = 0; i < facts.namespaces.size(); ++i) {
    facts.namespaces[i] = link_at(AT_FDCWD, std::string("/proc/self/ns/") + kNamespaceKinds[i]);
    if (facts.namespaces[i].empty())
      return fail_errno(std::string("read /proc/self/ns/") + kNamespaceKinds[i]);
  }
  return facts;
}

std::vector<Check> verify_processes(pid_t pid, const Expectation& expected,
                                    const kernel::WorkerCgroup& cgroup) {
  return Verifier(pid, expected, cgroup).of_processes();
}

std::vector<Check> verify_surroundings(pid_t pid, const Expectation& expected,
                                       const kernel::WorkerCgroup& cgroup) {
  return Verifier(pid, expected, cgroup).of_surroundings();
}

std::string failed_checks(const std::vector<Check>& checks) {
  std::string names;
  for (const Check& check : checks)
    if (!check.ok) names += (names.empty() ? "" : ", ") + check.name;
  return names;
}

bool lacks_only_filter(const std::vector<Check>& checks) {
  return std::ranges::all_of(checks, [](const Check& check) {
    return check.ok || check.name == "seccomp" || check.name == "seccomp_filters" ||
           check.name == "seccomp_listener";
  });
}

std::string describe_failures(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks)
    if (!check.ok)
      text += (text.empty() ? "" : "; ") + check.name + ": wanted " + check.wanted + ", found " + check.found;
  return text;
}

std::vector<std::string> own_writable_mounts() {
  return {"/tmp", "/run", "/dev/shm", "/proc"};
}

std::vector<std::string> unexpected_writable_mounts(const std::vector<kernel::Mount>& mounts,
                                                    const std::vector<std::string>& allowed) {
  std::vector<std::string> found;
  for (const kernel::Mount& mount : mounts) {
    const bool is_allowed = std::ranges::any_of(allowed, [&](const std::string& path) {
      // Below a writable bind its own submounts come along.
      return mount.point == path || (mount.point.starts_with(path + "/") && path != "/proc");
    });
    if (!mount.is_read_only() && !is_allowed) found.push_back(mount.point);
  }
  return found;
}

std::vector<std::string> mounts_with_setuid(const std::vector<kernel::Mount>& mounts) {
  std::vector<std::string> found;
  for (const kernel::Mount& mount : mounts)
    if (!mount.has("nosuid")) found.push_back(mount.point);
  return found;
}

std::vector<std::string> mounts_with_devices(const std::vector<kernel::Mount>& mounts) {
  std::set<std::pair<std::string, std::string>> nulls;  // what is at /dev/null also covers files elsewhere
  for (const kernel::Mount& mount : mounts) {
    if (mount.point == "/dev") nulls.emplace(mount.device, "/null");
    if (mount.point == "/dev/null") nulls.emplace(mount.device, mount.root);
  }
  std::vector<std::string> found;
  for (const kernel::Mount& mount : mounts) {
    const bool is_dev = mount.point == "/dev" || mount.point.starts_with("/dev/");
    if (!mount.has("nodev") && !is_dev && !nulls.contains({mount.device, mount.root}))
      found.push_back(mount.point);
  }
  return found;
}

}  // namespace herd::worker

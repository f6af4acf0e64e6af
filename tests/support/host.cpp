#include "tests/support/host.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/temporary_directory.hpp"

namespace herd::test {

namespace fs = std::filesystem;

namespace {

std::vector<pid_t> numbers_of(const std::string& text) {
  std::vector<pid_t> numbers;
  std::istringstream stream(text);
  for (pid_t number; stream >> number;) numbers.push_back(number);
  return numbers;
}

std::vector<pid_t> numbered_entries(const std::string& directory) {
  std::vector<pid_t> numbers;
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }))
      numbers.push_back(std::stoi(name));
  }
  return numbers;
}

/// User and system time, of all its threads.
double cpu_seconds_of(pid_t pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream words(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
  constexpr int kFieldsBefore = 11;  // after the name, which may hold blanks: proc_pid_stat(5)
  std::string skip;
  for (int i = 0; i < kFieldsBefore; ++i) words >> skip;
  double user = 0, system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::vector<CgroupMount> cgroup_mounts() {
  std::vector<CgroupMount> mounts;
  std::ifstream lines("/proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, path, skip, type, source, options;
    words >> id >> parent >> device >> root >> path;
    while (words >> skip && skip != "-") {
    }
    words >> type >> source >> options;
    if (root == "/" && (type == "cgroup" || type == "cgroup2"))
      mounts.push_back({path, type == "cgroup2", options});
  }
  return mounts;
}

std::string v2_mount() {
  for (const CgroupMount& mount : cgroup_mounts())
    if (mount.is_v2) return mount.path;
  return "";
}

std::string v1_mount(const std::string& controller) {
  for (const CgroupMount& mount : cgroup_mounts())
    if (!mount.is_v2 && ("," + mount.controllers + ",").find("," + controller + ",") != std::string::npos)
      return mount.path;
  return "";
}

std::map<std::string, std::string> status_of(const std::string& process) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(text_of("/proc/" + process + "/status"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, colon)] = start == std::string::npos ? "" : line.substr(start);
  }
  return fields;
}

std::vector<pid_t> threads_of(pid_t pid) {
  return numbered_entries("/proc/" + std::to_string(pid) + "/task");
}

pid_t thread_called(pid_t pid, const std::string& name) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    for (const pid_t thread : threads_of(pid)) {
      const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/comm";
      if (text_of(path) == name + "\n") return thread;
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return -1;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::string process = "/proc/" + std::to_string(pid) + "/task/";
  for (const pid_t thread : threads_of(pid))
    for (const pid_t child : numbers_of(text_of(process + std::to_string(thread) + "/children")))
      children.push_back(child);
  return children;
}

int open_fds_of(pid_t pid) {
  return static_cast<int>(numbered_entries("/proc/" + std::to_string(pid) + "/fd").size());
}

double cpu_share_of(pid_t pid, std::chrono::milliseconds time) {
  const double before = cpu_seconds_of(pid);
  std::this_thread::sleep_for(time);  // not a wait: what passes meanwhile is what is measured
  return (cpu_seconds_of(pid) - before) / std::chrono::duration<double>(time).count();
}

int open_fds_within(pid_t pid, int wanted, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  int found = open_fds_of(pid);
  while (found != wanted && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    found = open_fds_of(pid);
  }
  return found;
}

std::string namespace_of(pid_t pid, const std::string& kind) {
  std::error_code error;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + kind, error).string();
}

std::vector<pid_t> processes_below(const std::string& root) {
  std::vector<pid_t> found;
  for (const pid_t pid : numbered_entries("/proc")) {
    const std::string cgroups = text_of("/proc/" + std::to_string(pid) + "/cgroup");
    if (cgroups.find(":/" + root + "/") == std::string::npos &&
        cgroups.find(":/" + root + "\n") == std::string::npos)
      continue;
    const auto status = status_of(pid);
    if (status.contains("State") && !status.at("State").starts_with("Z")) found.push_back(pid);
  }
  return found;
}

std::vector<pid_t> processes_in(const std::string& cgroup) {
  return numbers_of(text_of(v2_mount() + cgroup + "/cgroup.procs"));
}

UniqueFd lock_host(const std::string& name) {
  UniqueFd lock(::open(("/run/herd-test-" + name + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ::flock(lock.get(), LOCK_EX);
  return lock;
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool ends_within(const UniqueFd& pidfd, std::chrono::milliseconds deadline) {
  if (!pidfd) return true;
  pollfd entry{pidfd.get(), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(deadline.count())) == 1;
}

bool is_running(pid_t pid) {
  const auto status = status_of(pid);
  return status.contains("State") && !status.at("State").starts_with("Z") &&
         !status.at("State").starts_with("X");
}

bool empties_within(const std::string& cgroup, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  const UniqueFd events(::open((v2_mount() + "/" + cgroup + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  if (!events) return true;
  while (true) {
    std::array<char, 256> text{};
    const ssize_t size = ::pread(events.get(), text.data(), text.size() - 1, 0);
    if (size < 0) return true;  // ENODEV: removed meanwhile
    if (std::string_view(text.data()).find("populated 0") != std::string_view::npos) return true;
    pollfd entry{events.get(), POLLPRI, 0};  // only what changes after the read wakes it
    if (::poll(&entry, 1, milliseconds_left(end)) == 0) return false;
  }
}

}  // namespace herd::test

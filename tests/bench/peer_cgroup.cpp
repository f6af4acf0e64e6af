#include "tests/bench/peer_cgroup.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "common/kernel/files.hpp"
#include "tests/bench/process.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPeers = "peers";
constexpr auto kRemovalPatience = 5s;

Result<kernel::CgroupLayout> read_layout() {
  HERD_TRY(const std::string mountinfo, kernel::read_file("/proc/self/mountinfo", 8 << 20));
  return kernel::find_cgroups(mountinfo);
}

/// "4:memory:/herd/web/web-1"; on v2 "0::/herd/web/web-1".
Result<std::string> memory_cgroup_of(pid_t pid, bool is_v2) {
  HERD_TRY(const std::string text, kernel::read_file("/proc/" + std::to_string(pid) + "/cgroup"));
  const std::string key = is_v2 ? "0::" : ":memory:";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const std::size_t at = line.find(key); at != std::string::npos && (!is_v2 || at == 0))
      return line.substr(at + key.size());
  return fail("process " + std::to_string(pid) + " has no memory cgroup");
}

/// "kernel 1234" of a memory.stat (Linux 5.18).
Result<double> kernel_bytes(const std::string& memory_stat) {
  std::istringstream words(memory_stat);
  std::string key;
  for (double value = 0; words >> key >> value;)
    if (key == "kernel") return value;
  return fail("no 'kernel' in memory.stat");
}

}  // namespace

Result<PeerCgroup> PeerCgroup::make(const std::string& root, const std::string& name) {
  HERD_TRY(kernel::CgroupLayout layout, read_layout());
  HERD_TRY(kernel::Cgroups cgroups, kernel::Cgroups::open(std::move(layout), root));
  HERD_TRY(kernel::WorkerCgroup cgroup, cgroups.create(kPeers, name, {.memory = mib(1024)}, nullptr));
  return PeerCgroup(std::move(cgroups), name, std::move(cgroup));
}

Status PeerCgroup::take(pid_t pid) {
  for (const kernel::Hierarchy& hierarchy : cgroups_.layout().hierarchies) {
    const std::string file =
        hierarchy.directory() + "/" + cgroups_.root() + "/" + kPeers + "/" + name_ + "/cgroup.procs";
    std::ofstream processes(file);
    if (!(processes << pid << std::flush)) return fail("write to '" + file + "'");
  }
  return {};
}

PeerCgroup::~PeerCgroup() {
  if (cgroup_.is_nowhere()) return;
  const auto deadline = Clock::now() + kRemovalPatience;
  while (!cgroup_.remove() && Clock::now() < deadline) wait_readable(-1, 5ms);
  cgroups_.remove_pool(kPeers);
}

Result<double> kernel_kib_of(pid_t pid) {
  HERD_TRY(const kernel::CgroupLayout layout, read_layout());
  const auto has_memory = [](const kernel::Hierarchy& hierarchy) {
    return std::ranges::count(hierarchy.controllers, kernel::Controller::memory) > 0;
  };
  const auto memory = std::ranges::find_if(layout.hierarchies, has_memory);
  if (memory == layout.hierarchies.end()) return fail("this host has no memory controller");
  HERD_TRY(const std::string path, memory_cgroup_of(pid, memory->is_v2));
  const std::string directory = memory->mount_point + path;
  if (!memory->is_v2) {
    HERD_TRY(const std::string bytes, kernel::read_file(directory + "/memory.kmem.usage_in_bytes"));
    return std::stod(bytes) / 1024;
  }
  HERD_TRY(const std::string stat, kernel::read_file(directory + "/memory.stat"));
  HERD_TRY(const double bytes, kernel_bytes(stat));
  return bytes / 1024;
}

}  // namespace herd::bench

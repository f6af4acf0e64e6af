// One worker's cgroup: limits, usage, out-of-memory, its end.
#include "common/kernel/cgroup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "common/kernel/files.hpp"
#include "common/kernel/process.hpp"
#include "common/text.hpp"

namespace herd::kernel {
namespace {

constexpr int kCpuPeriodUs = 100'000;  // the kernel's default period

/// The number after `key ` in a file of "key value" lines.
std::optional<std::uint64_t> keyed_number(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  std::string word;
  std::uint64_t value = 0;
  while (lines >> word >> value)
    if (word == key) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> number_in(const std::string& path, int directory) {
  const auto text = read_file(path, 1 << 16, directory);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// The kernel keeps memory limits in whole pages, rounded down.
std::string pages_of(Bytes size) {
  return std::to_string(size.value / 4096 * 4096);
}
std::string quota_of(double cores) {
  return std::to_string(std::max(1000L, std::lround(cores * kCpuPeriodUs)));  // 1 ms is the kernel's least
}

/// A kernel that does not count swap has no file for its limit: no harm on a host that does not swap.
Status accept_without_swap(const Error& error) {
  if (error.errno_value != ENOENT) return tl::make_unexpected(error);
  const auto swaps = read_file("/proc/swaps");
  const bool host_swaps = swaps && swaps->find('\n') + 1 < swaps->size();  // a line beside the heading
  if (host_swaps)
    return fail("limits.swap: this host swaps, but its kernel does not count it by cgroup (swapaccount=1)");
  return {};
}

}  // namespace

const WorkerCgroup::Place* WorkerCgroup::place_of(Controller controller) const {
  for (const Place& place : places_)
    if (std::ranges::find(place.hierarchy.controllers, controller) != place.hierarchy.controllers.end())
      return &place;
  return nullptr;
}

int WorkerCgroup::v2_directory() const {
  return places_.empty() || !places_.front().hierarchy.is_v2 ? -1 : places_.front().fd.get();
}

std::vector<int> WorkerCgroup::v1_tasks() const {
  std::vector<int> fds;
  for (const Place& place : places_)
    if (place.tasks) fds.push_back(place.tasks.get());
  return fds;
}

std::vector<std::pair<std::string, std::string>> WorkerCgroup::paths_by_hierarchy() const {
  std::vector<std::pair<std::string, std::string>> paths;
  for (const Place& place : places_) {
    const Hierarchy& hierarchy = place.hierarchy;
    std::string key;
    if (!hierarchy.is_v2)
      key = hierarchy.controllers.empty() ? "freezer" : std::string(name(hierarchy.controllers.front()));
    paths.emplace_back(std::move(key), hierarchy.base + path_);
  }
  return paths;
}

Status WorkerCgroup::apply(const CgroupLimits& limits) {
  if (const Place* place = place_of(Controller::memory); place != nullptr && limits.memory) {
    const int directory = place->fd.get();
    if (place->hierarchy.is_v2) {
      HERD_CHECK(write_file("memory.max", pages_of(*limits.memory), directory));
      // One process of a tree killed and the rest left would be a worker that half works.
      HERD_CHECK(write_file("memory.oom.group", "1", directory));
      if (limits.swap) {
        auto written = write_file("memory.swap.max", pages_of(*limits.swap), directory);
        if (!written) HERD_CHECK(accept_without_swap(written.error()));
      }
    } else {
      HERD_CHECK(write_file("memory.limit_in_bytes", pages_of(*limits.memory), directory));
      if (limits.swap) {  // v1 counts memory and swap together
        auto written = write_file("memory.memsw.limit_in_bytes",
                                  pages_of(Bytes{limits.memory->value + limits.swap->value}), directory);
        if (!written) HERD_CHECK(accept_without_swap(written.error()));
      }
    }
  }
  if (const Place* place = place_of(Controller::cpu); place != nullptr && limits.cpu) {
    const std::string quota = quota_of(*limits.cpu);
    if (place->hierarchy.is_v2) {
      HERD_CHECK(write_file("cpu.max", quota + " " + std::to_string(kCpuPeriodUs), place->fd.get()));
    } else {
      HERD_CHECK(write_file("cpu.cfs_period_us", std::to_string(kCpuPeriodUs), place->fd.get()));
      HERD_CHECK(write_file("cpu.cfs_quota_us", quota, place->fd.get()));
    }
  }
  if (const Place* place = place_of(Controller::pids); place != nullptr && limits.pids)
    HERD_CHECK(write_file("pids.max", std::to_string(*limits.pids), place->fd.get()));
  return {};
}

std::vector<LimitReading> WorkerCgroup::read_limits() const {
  std::vector<LimitReading> readings;
  const auto read = [&](Controller controller, const std::string& file, const std::string& wanted,
                        bool is_optional = false) {
    const Place* place = place_of(controller);
    if (place == nullptr) return;
    const auto text = read_record(file, place->fd.get());
    if (!text && text.error().errno_value == ENOENT && is_optional) return;
    readings.push_back({file, wanted, text ? trimmed(*text) : text.error().message});
  };
  const auto is_v2 = [&](Controller controller) {
    const Place* place = place_of(controller);
    return place != nullptr && place->hierarchy.is_v2;
  };
  if (limits_.memory)
    read(Controller::memory, is_v2(Controller::memory) ? "memory.max" : "memory.limit_in_bytes",
         pages_of(*limits_.memory));
  // Only where the kernel counts swap: apply() took its absence for no swap.
  if (const Place* place = place_of(Controller::memory); place != nullptr && limits_.memory && limits_.swap) {
    const bool v2 = place->hierarchy.is_v2;
    const char* file = v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
    const Bytes wanted{limits_.swap->value + (v2 ? 0 : limits_.memory->value)};
    read(Controller::memory, file, pages_of(wanted), true);
  }
  if (limits_.cpu) {
    if (is_v2(Controller::cpu)) {
      read(Controller::cpu, "cpu.max", quota_of(*limits_.cpu) + " " + std::to_string(kCpuPeriodUs));
    } else {
      read(Controller::cpu, "cpu.cfs_quota_us", quota_of(*limits_.cpu));
    }
  }
  if (limits_.pids) read(Controller::pids, "pids.max", std::to_string(*limits_.pids));
  return readings;
}

Status WorkerCgroup::kill() const {
  if (places_.empty()) return init_ ? send_signal(init_.get(), SIGKILL) : Status{};
  const Place& tracking = places_.front();
  if (!tracking.hierarchy.is_v2) return kill_v1();
  return write_file("cgroup.kill", "1", tracking.fd.get());
}

// Without cgroup.kill a loop of kills races with forks, so the tree is held still first. It is thawed on
// every way out: a frozen process does not die.
Status WorkerCgroup::kill_v1() const {
  const Place& tracking = places_.front();
  const bool freezes = tracking.hierarchy.has_freezer;
  if (freezes) HERD_CHECK(write_file("freezer.state", "FROZEN", tracking.fd.get()));
  const auto found = processes();
  if (found)
    for (const int pid : *found) ::kill(pid, SIGKILL);
  if (freezes) HERD_CHECK(write_file("freezer.state", "THAWED", tracking.fd.get()));
  if (!found) return tl::make_unexpected(found.error());
  return {};
}

Result<std::vector<int>> WorkerCgroup::processes() const {
  std::vector<int> pids;
  if (places_.empty()) return init_ ? processes_in_namespace_of(init_.get()) : pids;
  HERD_TRY(const std::string text, read_file("cgroup.procs", 1 << 22, places_.front().fd.get()));
  std::istringstream lines(text);
  for (int pid = 0; lines >> pid;) pids.push_back(pid);
  return pids;
}

Result<bool> WorkerCgroup::is_populated() const {
  if (places_.empty()) return false;
  const Place& tracking = places_.front();
  if (!tracking.hierarchy.is_v2) {
    HERD_TRY(const auto pids, processes());
    return !pids.empty();
  }
  HERD_TRY(const std::string text, read_file("cgroup.events", 4096, tracking.fd.get()));
  return keyed_number(text, "populated").value_or(1) != 0;
}

Result<UniqueFd> WorkerCgroup::open_events() const {
  if (v2_directory() < 0) return UniqueFd();
  UniqueFd fd(openat(v2_directory(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open cgroup.events");
  return fd;
}

Result<Freezer> WorkerCgroup::open_freezer() const {
  if (places_.empty()) return Freezer();
  const Place& tracking = places_.front();
  if (!tracking.hierarchy.is_v2 && !tracking.hierarchy.has_freezer) return Freezer();
  const char* file = tracking.hierarchy.is_v2 ? "cgroup.freeze" : "freezer.state";
  UniqueFd fd(openat(tracking.fd.get(), file, O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno(std::string("open ") + file);
  return Freezer(std::move(fd), tracking.hierarchy.is_v2);
}

Status WorkerCgroup::remove() const {
  Status result;
  for (const Place& place : places_)
    if (rmdir(place.directory.c_str()) != 0 && errno != ENOENT)
      result = fail_errno("remove cgroup '" + place.directory + "'");
  return result;
}

Result<std::uint64_t> WorkerCgroup::oom_kills() const {
  const Place* place = place_of(Controller::memory);
  if (place == nullptr) return 0;
  // v1 has the counter since 4.13, beside the switches in memory.oom_control.
  HERD_TRY(const std::string text,
           read_file(place->hierarchy.is_v2 ? "memory.events" : "memory.oom_control", 4096, place->fd.get()));
  return keyed_number(text, "oom_kill").value_or(0);
}

Result<WorkerCgroup::OomWatch> WorkerCgroup::watch_oom() const {
  const Place* place = place_of(Controller::memory);
  if (place == nullptr) return OomWatch{};
  if (place->hierarchy.is_v2) {
    UniqueFd events(openat(place->fd.get(), "memory.events", O_RDONLY | O_CLOEXEC));
    if (!events) return fail_errno("open memory.events");
    char ignored[512];
    (void)!read(events.get(), ignored, sizeof ignored);  // only changes after a read wake a poll
    return OomWatch{std::move(events), true};
  }
  UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("eventfd");
  UniqueFd control(openat(place->fd.get(), "memory.oom_control", O_RDONLY | O_CLOEXEC));
  if (!control) return fail_errno("open memory.oom_control");
  const std::string words = std::to_string(event.get()) + " " + std::to_string(control.get());
  HERD_CHECK(write_file("cgroup.event_control", words, place->fd.get()));
  return OomWatch{std::move(event), false};
}

CgroupUsage WorkerCgroup::usage() const {
  CgroupUsage usage;
  if (places_.empty()) return usage;
  if (const Place* place = place_of(Controller::memory)) {
    const bool v2 = place->hierarchy.is_v2;
    usage.memory_bytes = number_in(v2 ? "memory.current" : "memory.usage_in_bytes", place->fd.get());
    usage.memory_peak_bytes = number_in(v2 ? "memory.peak" : "memory.max_usage_in_bytes", place->fd.get());
  }
  if (const Place* place = place_of(Controller::pids))
    usage.pids = number_in("pids.current", place->fd.get());
  if (v2_directory() >= 0) {
    // Every v2 cgroup counts CPU time, also without the cpu controller (Linux 4.15).
    if (const auto text = read_file("cpu.stat", 1 << 14, v2_directory()))
      if (const auto microseconds = keyed_number(*text, "usage_usec"))
        usage.cpu_seconds = static_cast<double>(*microseconds) / 1e6;
  }
  return usage;
}

}  // namespace herd::kernel

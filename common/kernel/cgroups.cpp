// herd's own part of the cgroup trees: ROOT, pools, and the leaves that workers live in.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "common/kernel/cgroup.hpp"
#include "common/kernel/files.hpp"

namespace herd::kernel {
namespace {

namespace fs = std::filesystem;

Status make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("create cgroup '" + path + "'");
  return {};
}

/// On v2 a cgroup has a controller only if its parent gives it to its children.
Status give_controllers(const std::string& directory, const Hierarchy& hierarchy) {
  if (!hierarchy.is_v2 || hierarchy.controllers.empty()) return {};
  std::string words;
  for (const Controller controller : hierarchy.controllers)
    words += (words.empty() ? "+" : " +") + std::string(name(controller));
  auto given = write_file(directory + "/cgroup.subtree_control", words);
  if (!given && given.error().errno_value == EOPNOTSUPP)
    return fail_in("the cgroup '" + directory + "' is in a threaded or invalid domain", given.error());
  return given;
}

std::vector<std::string> subdirectories(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code ignored;  // a directory that went away has no subdirectories
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    std::error_code error;
    if (entry.is_directory(error) && !error) names.push_back(entry.path().filename());
  }
  return names;
}

constexpr const char* kDelegate = " (start it by systemd-run --user --scope -p Delegate=yes herdd)";

std::string no_cgroup(const CgroupLayout& layout) {
  return layout.is_delegated ? std::string("cgroup: herdd has none that it may write to") + kDelegate
                             : "cgroup: this host has no cgroup hierarchy mounted";
}

std::string no_controller(const CgroupLayout& layout, Controller controller) {
  const std::string word(name(controller));
  return layout.is_delegated
             ? "limits: herdd has no cgroup of its own with the controller " + word + kDelegate
             : "limits: this host has no " + word + " cgroup controller";
}

/// An error, or a note where it may be left out.
Status lacks(const std::string& sentence, const CgroupLayout& layout, std::vector<std::string>* left_out) {
  if (left_out == nullptr)
    return fail(sentence +
                (layout.is_delegated ? "; a pool whose sandbox says \"required\": false runs without" : ""));
  left_out->push_back(sentence);
  return {};
}

/// Held still meanwhile, as a loop of kills alone races with forks. Thawed in any case: what is frozen does
/// not die. Only the freezer's hierarchy has the file for it.
void kill_v1_processes(const std::string& directory) {
  constexpr std::size_t kLongestList = 1 << 22;
  (void)write_file(directory + "/freezer.state", "FROZEN");
  if (auto text = read_file(directory + "/cgroup.procs", kLongestList)) {
    std::istringstream pids(*text);
    for (int pid = 0; pids >> pid;) ::kill(pid, SIGKILL);
  }
  (void)write_file(directory + "/freezer.state", "THAWED");
}

/// Removes a cgroup and all below it, ending what lives there. Waits for processes that are on their way out,
/// for a bounded time: this runs before the daemon serves anybody.
Status remove_tree(const std::string& directory, bool is_v2) {
  // Before its children: on v1 what is below a frozen cgroup is frozen, whatever its own file says.
  if (!is_v2) (void)write_file(directory + "/freezer.state", "THAWED");
  for (const std::string& child : subdirectories(directory))
    HERD_CHECK(remove_tree(directory + "/" + child, is_v2));
  constexpr auto kLimit = std::chrono::seconds(5);
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (rmdir(directory.c_str()) != 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline)
      return fail_errno("remove cgroup '" + directory + "'");
    if (is_v2) {
      (void)write_file(directory + "/cgroup.kill", "1");
    } else {
      kill_v1_processes(directory);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // v1 has no event for "empty now"
  }
  return {};
}

}  // namespace

std::string Cgroups::root_directory() const {
  return layout_.hierarchies.empty() ? "" : layout_.hierarchies.front().directory() + "/" + root_;
}

Result<Cgroups> Cgroups::open(CgroupLayout layout, const std::string& root) {
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    std::string directory = hierarchy.directory();
    for (const fs::path& part : fs::path(root)) {
      if (auto given = give_controllers(directory, hierarchy); !given)
        return fail_in("give controllers to children of '" + directory + "'", given.error());
      directory += "/" + part.string();
      HERD_CHECK(make_directory(directory));
    }
    if (auto given = give_controllers(directory, hierarchy); !given)
      return fail_in("give controllers to children of '" + directory + "'", given.error());
  }
  return Cgroups(std::move(layout), root);
}

Status Cgroups::add_place(const Hierarchy& hierarchy, WorkerCgroup& cgroup) {
  const std::string directory = hierarchy.directory() + cgroup.path_;
  const std::string parent = directory.substr(0, directory.rfind('/'));
  HERD_CHECK(make_directory(parent));
  HERD_CHECK(give_controllers(parent, hierarchy));
  HERD_CHECK(make_directory(directory));
  // In the list before anything can fail: what is there is removed again.
  WorkerCgroup::Place& place = cgroup.places_.emplace_back(WorkerCgroup::Place{hierarchy, directory, {}, {}});
  place.fd = UniqueFd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!place.fd) return fail_errno("open cgroup '" + directory + "'");
  if (hierarchy.is_v2) return {};
  place.tasks = UniqueFd(openat(place.fd.get(), "tasks", O_WRONLY | O_CLOEXEC));
  if (!place.tasks) return fail_errno("open '" + directory + "/tasks'");
  return {};
}

Result<WorkerCgroup> Cgroups::begin(const std::string& pool, const std::string& worker,
                                    std::vector<std::string>* left_out) const {
  WorkerCgroup cgroup;
  if (layout_.hierarchies.empty()) {
    HERD_CHECK(lacks(no_cgroup(layout_), layout_, left_out));
    return cgroup;
  }
  cgroup.path_ = "/" + root_ + "/" + pool + "/" + worker;
  if (auto added = add_place(layout_.hierarchies.front(), cgroup); !added) {
    (void)cgroup.remove();
    return fail_in("cgroup", added.error());
  }
  return cgroup;
}

Status Cgroups::complete(WorkerCgroup& cgroup, const CgroupLimits& limits,
                         std::vector<std::string>* left_out) const {
  const auto drop_missing = [&](auto& limit, Controller controller) -> Status {
    if (!limit || layout_.has(controller)) return {};
    HERD_CHECK(lacks(no_controller(layout_, controller), layout_, left_out));
    limit.reset();
    return {};
  };
  const auto build = [&]() -> Status {
    for (std::size_t i = 1; i < layout_.hierarchies.size(); ++i)
      HERD_CHECK(add_place(layout_.hierarchies[i], cgroup));
    cgroup.limits_ = limits;
    HERD_CHECK(drop_missing(cgroup.limits_.memory, Controller::memory));
    HERD_CHECK(drop_missing(cgroup.limits_.cpu, Controller::cpu));
    HERD_CHECK(drop_missing(cgroup.limits_.pids, Controller::pids));
    return cgroup.apply(cgroup.limits_);
  };
  if (auto built = build(); !built) return fail_in("cgroup", built.error());
  return {};
}

Result<WorkerCgroup> Cgroups::create(const std::string& pool, const std::string& worker,
                                     const CgroupLimits& limits, std::vector<std::string>* left_out) const {
  HERD_TRY(WorkerCgroup cgroup, begin(pool, worker, left_out));
  if (auto completed = complete(cgroup, limits, left_out); !completed) {
    (void)cgroup.remove();
    return tl::make_unexpected(completed.error());
  }
  return cgroup;
}

Result<int> Cgroups::clean() const {
  int leaves = 0;
  for (const Hierarchy& hierarchy : layout_.hierarchies) {
    const std::string top = hierarchy.directory() + "/" + root_;
    const bool is_tracking = &hierarchy == &layout_.hierarchies.front();
    for (const std::string& pool : subdirectories(top)) {
      if (is_tracking) leaves += static_cast<int>(subdirectories(top + "/" + pool).size());
      HERD_CHECK(remove_tree(top + "/" + pool, hierarchy.is_v2));
    }
  }
  return leaves;
}

void Cgroups::remove_pool(const std::string& pool) const {
  for (const Hierarchy& hierarchy : layout_.hierarchies)
    rmdir((hierarchy.directory() + "/" + root_ + "/" + pool).c_str());
}

void Cgroups::remove_root() const {
  for (const Hierarchy& hierarchy : layout_.hierarchies) {
    const std::string top = hierarchy.directory() + "/" + root_;
    for (const std::string& pool : subdirectories(top)) rmdir((top + "/" + pool).c_str());
    rmdir(top.c_str());
  }
}

}  // namespace herd::kernel

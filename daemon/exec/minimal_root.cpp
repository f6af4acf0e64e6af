#include "daemon/exec/minimal_root.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "common/kernel/mount_calls.hpp"
#include "common/kernel/path_walk.hpp"
#include "common/root_places.hpp"
#include "daemon/exec/needed_files.hpp"

namespace herd::exec {
namespace {

bool is_at_or_below(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" || path.starts_with(directory + "/");
}

class Filler {
 public:
  Filler(int host, int tree) : host_(host), tree_(tree) {}

  Result<std::vector<launch::UsedFile>> fill(const launch::Root& root) {
    for (const char* place : kRootPlaces) HERD_CHECK(make_directories("/" + std::string(place)));
    for (const std::string& path : root.binds) HERD_CHECK(make_place(path));
    HERD_TRY(const std::vector<std::string> files, needed_files(host_, root.program, root.library_path));
    for (const std::string& path : files) HERD_CHECK(add_file(path));
    return std::move(used_);
  }

 private:
  Status make_place(const std::string& path) {
    HERD_TRY(const kernel::Walked there, walk(path, kernel::Links::trusted));
    struct stat info {};
    if (fstat(there.fd.get(), &info) != 0) return fail_errno("stat '" + path + "'");
    binds_.push_back(there.path);
    used_.push_back(launch::used_place(path, info));
    return S_ISDIR(info.st_mode) ? make_directories(there.path) : make_file(there.path);
  }

  Status add_file(const std::string& path) {
    HERD_TRY(const kernel::Walked there, walk(path, kernel::Links::all));
    struct stat info {};
    if (fstat(there.fd.get(), &info) != 0) return fail_errno("stat '" + path + "'");
    used_.push_back(launch::used_file(path, info));
    const bool is_bound = std::ranges::any_of(
        binds_, [&](const std::string& bind) { return is_at_or_below(there.path, bind); });
    if (is_bound || !files_.insert(there.path).second) return {};
    HERD_CHECK(make_file(there.path));
    HERD_TRY(const UniqueFd clone, kernel::clone_tree(there.fd.get(), false));
    HERD_CHECK(kernel::change_attributes(clone.get(),
                                         MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, false));
    return kernel::attach_inside(tree_, clone.get(), there.path);
  }

  /// Where it is on the host; the links on the way are made here too.
  Result<kernel::Walked> walk(const std::string& path, kernel::Links links) {
    auto there = kernel::walk_inside(host_, path, links);
    if (!there) return fail_in("'" + path + "'", there.error());
    for (const std::string& left : there->left) HERD_CHECK(make_directories(left));
    for (const kernel::FollowedLink& link : there->links) {
      HERD_CHECK(make_parent(link.path));
      if (symlinkat(link.target.c_str(), tree_, link.path.c_str() + 1) != 0 && errno != EEXIST)
        return fail_errno("link '" + link.path + "'");
    }
    return there;
  }

  Status make_parent(const std::string& path) { return make_directories(path.substr(0, path.rfind('/'))); }

  /// Of a path without links.
  Status make_directories(const std::string& path) {
    for (std::size_t end = path.find('/', 1); path.size() > 1; end = path.find('/', end + 1)) {
      if (mkdirat(tree_, path.substr(1, end - 1).c_str(), 0755) != 0 && errno != EEXIST)
        return fail_errno("create '" + path.substr(0, end) + "'");
      if (end == std::string::npos) break;
    }
    return {};
  }

  Status make_file(const std::string& path) {
    HERD_CHECK(make_parent(path));
    if (mknodat(tree_, path.c_str() + 1, S_IFREG | 0644, 0) != 0 && errno != EEXIST)
      return fail_errno("create '" + path + "'");
    return {};
  }

  int host_, tree_;
  std::vector<std::string> binds_;
  std::set<std::string> files_;
  std::vector<launch::UsedFile> used_;
};

}  // namespace

Result<std::vector<launch::UsedFile>> fill_minimal_root(int host, int tree, const launch::Root& root) {
  auto filled = Filler(host, tree).fill(root);
  return filled ? std::move(filled) : fail_in("root \"minimal\"", filled.error());
}

}  // namespace herd::exec

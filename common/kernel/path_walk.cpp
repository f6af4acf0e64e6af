#include "common/kernel/path_walk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <deque>
#include <vector>

namespace herd::kernel {
namespace {

constexpr std::size_t kMostLinks = 40;  // as the kernel's

class Walk {
 public:
  Walk(int root, Links followed) : follows_all_(followed == Links::all) {
    places_.push_back({UniqueFd(fcntl(root, F_DUPFD_CLOEXEC, 0)), "", true});
  }

  Result<Walked> to(const std::string& path) {
    if (!places_.front().fd) return fail_errno("duplicate an fd");
    struct stat root {};
    if (fstat(places_.front().fd.get(), &root) != 0) return fail_errno("stat the root");
    knows_owners_ = root.st_uid == 0;
    prepend(path);
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.front());
      rest_.pop_front();
      HERD_CHECK(step(name));
    }
    const std::string where = path_here();
    return Walked{std::move(places_.back().fd), where.empty() ? "/" : where, std::move(links_),
                  std::move(left_)};
  }

 private:
  struct Place {
    UniqueFd fd;
    std::string name;
    bool is_protected = false;  // it, and all that leads to it
  };

  /// In a user namespace that an ordinary user has made the host's root and every other user are shown as one
  /// and the same uid, and the worker may have the user's own: there no owner says anything.
  [[nodiscard]] bool is_trusted(uid_t uid) const { return knows_owners_ && (uid == 0 || uid == geteuid()); }

  /// Whether nobody but the trusted can replace that entry of the directory. The root itself is root's, or
  /// whoever has it has everything.
  [[nodiscard]] bool protects(const struct stat& directory, const struct stat& entry) const {
    if (places_.size() > 1 && !is_trusted(directory.st_uid)) return false;
    const bool others_write = (directory.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return !others_write || ((directory.st_mode & S_ISVTX) != 0 && is_trusted(entry.st_uid));
  }

  Status step(const std::string& name) {
    if (name == "..") {
      if (places_.size() > 1) {
        left_.push_back(path_here());
        places_.pop_back();
      }
      return {};
    }
    const Place& here = places_.back();
    UniqueFd entry(openat(here.fd.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat about_here {
    }, about_entry{};
    if (!entry || fstat(here.fd.get(), &about_here) != 0 || fstat(entry.get(), &about_entry) != 0)
      return fail_errno("'" + name + "'");
    const bool is_protected = here.is_protected && protects(about_here, about_entry);
    if (S_ISLNK(about_entry.st_mode)) return follow(entry.get(), name, is_protected);
    places_.push_back({std::move(entry), name, is_protected});
    return {};
  }

  [[nodiscard]] std::string path_here() const {
    std::string path;
    for (std::size_t i = 1; i < places_.size(); ++i) path += "/" + places_[i].name;
    return path;
  }

  Status follow(int link, const std::string& name, bool is_protected) {
    if (!is_protected && !follows_all_)
      return fail_errno(
          "'" + name + "' is a symlink " +
              (knows_owners_ ? "that others than root may change"
                             : "of which nobody can tell here whose it is: name what it leads to"),
          ELOOP);
    if (links_.size() == kMostLinks) return fail_errno("'" + name + "'", ELOOP);
    char target[PATH_MAX];
    const ssize_t size = readlinkat(link, "", target, sizeof target);
    if (size < 0) return fail_errno("read the symlink '" + name + "'");
    links_.push_back({path_here() + "/" + name, std::string(target, static_cast<std::size_t>(size))});
    prepend(links_.back().target);
    return {};
  }

  void prepend(const std::string& path) {
    if (path.starts_with('/')) places_.resize(1);
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const std::string name = path.substr(begin, end - begin);
      if (!name.empty() && name != ".") names.push_back(name);
      begin = end + 1;
    }
    rest_.insert(rest_.begin(), names.begin(), names.end());
  }

  std::vector<Place> places_;  // from the root to where the walk is
  std::deque<std::string> rest_;
  std::vector<FollowedLink> links_;
  std::vector<std::string> left_;
  bool follows_all_, knows_owners_ = false;
};

}  // namespace

Result<Walked> walk_inside(int root, const std::string& path, Links links) {
  return Walk(root, links).to(path);
}

}  // namespace herd::kernel

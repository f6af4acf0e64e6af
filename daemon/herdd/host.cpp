#include "daemon/herdd/host.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

namespace herd::daemon {
namespace {

namespace fs = std::filesystem;
using kernel::OwnIds;

constexpr const char* kRootsLockFile = "/run/herd-uids.lock";  // one for the host; /run is root's alone

/// An ordinary user's daemons share the user's subordinate ids, whatever their configurations say.
/// /run/user/UID is the user's alone and ends with the user's last session, as all its daemons do; not every
/// host has it.
std::string lock_file_of(uid_t uid) {
  const std::string directory = "/run/user/" + std::to_string(uid);
  struct stat info {};
  const bool is_own = stat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == uid;
  return is_own ? directory + "/herd-uids.lock" : "/tmp/herd-uids-" + std::to_string(uid) + ".lock";
}

std::optional<std::string> problem_with_ids(const OwnIds& ids, std::uint32_t first, std::uint32_t count) {
  if (ids.uids.has(first, count) && ids.gids.has(first, count)) return std::nullopt;
  const auto spare = ids.spare_ids();
  return "are not mapped into herdd's user namespace, " +
         (spare ? "which has " + std::to_string(spare->first) + " to " +
                      std::to_string(spare->first + spare->count - 1) +
                      " for workers: leave \"uids\" out, and herdd takes these"
                : std::string("which has none for workers"));
}

std::optional<std::string> problem_with_user(const OwnIds& ids, std::uint32_t uid) {
  if (ids.uid_of_account(uid)) return std::nullopt;
  return "has uid " + std::to_string(uid) +
         ", which is not mapped into herdd's user namespace: without root workers can be \"auto\", or the "
         "user who runs herdd";
}

config::HostFacts facts_for(const OwnIds& ids, const config::DefaultPaths& paths) {
  config::HostFacts facts = config::real_host();
  facts.paths = paths;
  if (!ids.uids.has_all()) facts.unmapped_uid = ids.overflow_uid;
  facts.ids_problem = [ids](std::uint32_t first, std::uint32_t count) {
    return problem_with_ids(ids, first, count);
  };
  facts.user_problem = [ids](std::uint32_t uid) { return problem_with_user(ids, uid); };
  return facts;
}

}  // namespace

std::string Host::user() const {
  if (ids.uids.has_all()) return "root";
  const auto spare = ids.spare_ids();
  return (ids.is_rootless
              ? "uid " + std::to_string(ids.account_uid(geteuid()).value_or(geteuid())) + ", without root"
              : std::string("root of a user namespace")) +
         (spare ? "; workers' uids are of " + std::to_string(spare->first) + " to " +
                      std::to_string(spare->first + spare->count - 1)
                : std::string("; there are no uids for workers"));
}

std::string Host::why_no_auto_uid() const {
  return "sandbox.user \"auto\": there is no uid for a worker of its own, as " +
         (ids.why_no_more.empty() ? "herdd's user namespace maps none" : ids.why_no_more) +
         " (give herdd's user subordinate ids: usermod --add-subuids 100000-165535 --add-subgids "
         "100000-165535 NAME, and install the package uidmap)";
}

Result<Host> settle_on_host() {
  // Seen from another mount namespace the link leaves out what the program's own file system is mounted on.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return fail("read '/proc/self/exe': " + error.message());
  const uid_t uid = geteuid();
  const config::DefaultPaths paths = config::default_paths();
  const std::string lock_file = uid == 0 ? kRootsLockFile : lock_file_of(uid);
  HERD_TRY(const OwnIds ids, uid == 0 ? kernel::read_own_ids() : kernel::become_root_of_own_namespace());
  return Host{ids, facts_for(ids, paths), lock_file, program.parent_path()};
}

}  // namespace herd::daemon

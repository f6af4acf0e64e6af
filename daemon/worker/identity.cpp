#include "daemon/worker/identity.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>

#include "common/kernel/process.hpp"

namespace herd::worker {
namespace {

/// The user database's numbers.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

Result<Account> find_account(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer;
  const int error = getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return fail_errno("sandbox.user '" + user + "'", error);
  if (found == nullptr) return fail("sandbox.user '" + user + "': no such user");
  if (found->pw_uid == 0) return fail("sandbox.user '" + user + "' is root, which no worker may be");
  Account account{found->pw_uid, found->pw_gid, {}};
  int count = 64;
  account.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(user.c_str(), found->pw_gid, account.groups.data(), &count) < 0) {
    account.groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(user.c_str(), found->pw_gid, account.groups.data(), &count) < 0)
      return fail("sandbox.user '" + user + "': its groups can't be read");
  }
  account.groups.resize(static_cast<std::size_t>(count));
  return account;
}

Result<Identity> identity_of_account(const std::string& user, const kernel::OwnIds& ids) {
  HERD_TRY(const Account account, find_account(user));
  const auto uid = ids.uid_of_account(account.uid);
  const auto gid = ids.gid_of_account(account.gid);
  if (!uid || !gid)
    return fail(
        "sandbox.user '" + user + "': its " +
        (uid ? "gid " + std::to_string(account.gid) : "uid " + std::to_string(account.uid)) +
        " is not mapped into herdd's user namespace, which has no ids but those of herdd's user and its "
        "subordinate ones (/etc/subuid, /etc/subgid): use \"auto\"");
  Identity identity{*uid, *gid, {}};
  for (const gid_t group : account.groups)
    if (const auto mapped = ids.gid_of_account(group)) identity.groups.push_back(*mapped);
  return identity;
}

/// Such a worker is the user's own process to all that goes by ids: to signals, and to the user's files.
Status check_own_id(const config::SandboxSpec& sandbox, const kernel::OwnIds& ids) {
  if (ids.uids.outside(0) == 0U)
    return fail("sandbox.user: herdd's own id is the host's root, which no worker may be");
  for (const auto& [part, name] :
       {std::pair{config::Namespace::pid, "pid"}, {config::Namespace::mount, "mount"}})
    if (std::ranges::find(sandbox.namespaces, part) == sandbox.namespaces.end())
      return fail(std::string("sandbox.namespaces: a worker with herdd's own uid has to have \"") + name +
                  "\", or it could reach all that is herdd's");
  return {};
}

/// user_namespaces(7): where setgroups is denied a process keeps the groups that it came with.
Status keep_groups(Identity& identity, const std::string& user, std::vector<std::string>* left_out) {
  HERD_TRY(const auto own, kernel::read_status(AT_FDCWD, "/proc/self/status"));
  identity.groups = own.groups;
  identity.sets_groups = false;
  if (identity.groups.empty() || user != "auto") return {};
  const std::string sentence =
      "sandbox.user: the worker keeps the groups that herdd was started with, as its user namespace lets "
      "nobody give up groups";
  if (left_out == nullptr) return fail(sentence);
  left_out->push_back(sentence);
  return {};
}

}  // namespace

Result<Identity> identity_of(const config::SandboxSpec& sandbox, std::uint32_t auto_uid,
                             const kernel::OwnIds& ids, std::vector<std::string>* left_out) {
  Identity identity{auto_uid, auto_uid, {}};
  if (sandbox.user != "auto") {
    HERD_TRY(identity, identity_of_account(sandbox.user, ids));
  }
  if (identity.uid == 0) HERD_CHECK(check_own_id(sandbox, ids));
  if (!ids.may_set_groups) HERD_CHECK(keep_groups(identity, sandbox.user, left_out));
  return identity;
}

}  // namespace herd::worker

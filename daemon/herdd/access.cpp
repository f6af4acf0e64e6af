#include "daemon/herdd/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace herd::daemon {
namespace {

constexpr auto kAccountsKept = std::chrono::seconds(10);
constexpr std::size_t kMostAccounts = 1024;

std::string group_name(gid_t gid) {
  group entry{};
  group* found = nullptr;
  std::array<char, 16384> buffer;
  return getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr
             ? found->gr_name
             : "";
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return !word.empty() && std::ranges::find(list, word) != list.end();
}

}  // namespace

const Access::Account& Access::account_of(const control::Peer& peer) const {
  const auto now = std::chrono::steady_clock::now();
  if (accounts_.size() > kMostAccounts) accounts_.clear();
  Account& account = accounts_[{peer.uid, peer.gid}];
  if (account.read != std::chrono::steady_clock::time_point{} && now - account.read < kAccountsKept)
    return account;
  account = {{}, {}, now};
  const auto uid = ids_.account_uid(peer.uid);
  if (!uid) return account;  // the kernel's number for it is nobody's
  const auto own_gid = ids_.account_gid(peer.gid);
  std::vector<gid_t> gids;
  if (own_gid) gids.push_back(*own_gid);
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer;
  if (getpwuid_r(*uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    account.user = found->pw_name;
    int count = 128;
    std::vector<gid_t> all(static_cast<std::size_t>(count));
    if (getgrouplist(found->pw_name, own_gid.value_or(found->pw_gid), all.data(), &count) >= 0) {
      all.resize(static_cast<std::size_t>(count));
      gids = std::move(all);
    }
  }
  for (const gid_t gid : gids) account.groups.push_back(group_name(gid));
  return account;
}

std::string Access::describe(const control::Peer& peer) const {
  const auto uid = ids_.account_uid(peer.uid);
  return uid ? "uid " + std::to_string(*uid)
             : "a user whom herdd can't tell from others, as it runs without root,";
}

config::Role Access::role_of(const control::Peer& peer) const {
  if (ids_.is_unmapped(peer.uid)) return config::Role::none;
  if (peer.uid == 0 || peer.uid == geteuid()) return config::Role::admin;
  const Account& account = account_of(peer);
  const auto is_member = [&](const char* role) {
    const auto found = control_.roles.find(role);
    if (found == control_.roles.end()) return false;
    if (contains(found->second.users, account.user)) return true;
    return std::ranges::any_of(account.groups,
                               [&](const std::string& name) { return contains(found->second.groups, name); });
  };
  if (is_member("admin")) return config::Role::admin;
  if (is_member("operator") || contains(account.groups, control_.group)) return config::Role::operator_;
  if (is_member("observer")) return config::Role::observer;
  return config::Role::none;
}

bool Access::is_client(const control::Peer& peer, const config::ClientsSpec& clients) const {
  if (clients.users.empty() && clients.groups.empty()) return false;
  const Account& account = account_of(peer);
  if (contains(clients.users, account.user)) return true;
  return std::ranges::any_of(account.groups,
                             [&](const std::string& name) { return contains(clients.groups, name); });
}

}  // namespace herd::daemon

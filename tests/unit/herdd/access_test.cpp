// Roles from the host's own user database, by the two users that every host has: root and daemon.
#include "daemon/herdd/access.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

namespace herd::daemon {
namespace {

using config::Role;

class Roles : public testing::Test {
 protected:
  void SetUp() override {
    const passwd* user = getpwnam("daemon");
    ASSERT_NE(user, nullptr);
    ASSERT_NE(user->pw_uid, geteuid()) << "the daemon's own user is always an admin";
    daemon_ = {user->pw_uid, user->pw_gid, 1};
    const group* group = getgrgid(user->pw_gid);
    ASSERT_NE(group, nullptr);
    daemon_group_ = group->gr_name;
  }
  /// Nobody is an operator by the socket's group.
  static config::ControlSpec without_group() {
    config::ControlSpec control;
    control.group = "no-such-group";
    return control;
  }

  control::Peer daemon_;
  std::string daemon_group_;
  const control::Peer unknown_{4'000'000'000, 4'000'000'001, 1};
};

TEST_F(Roles, RootAndTheDaemonsOwnUserAreAdmins) {
  const Access access(without_group());
  EXPECT_EQ(access.role_of({0, 0, 1}), Role::admin);
  EXPECT_EQ(access.role_of({geteuid(), getegid(), 1}), Role::admin);
}

TEST_F(Roles, ChangeWithTheFileThatIsReadAgain) {
  Access access(without_group());
  EXPECT_EQ(access.role_of(daemon_), Role::none);
  config::ControlSpec control = without_group();
  control.roles["observer"].users = {"daemon"};
  access.set_roles(control);
  EXPECT_EQ(access.role_of(daemon_), Role::observer);
  access.set_roles(without_group());
  EXPECT_EQ(access.role_of(daemon_), Role::none);
}

/// As in an ordinary user's herdd: the user is 0, everybody else is shown as nobody is.
kernel::OwnIds rootless_ids() {
  kernel::OwnIds ids;
  ids.uids = kernel::IdMap(std::vector<kernel::IdRange>{{0, 1000, 1}, {100'000, 100'000, 65'536}});
  ids.gids = ids.uids;
  ids.is_rootless = true;
  return ids;
}

TEST_F(Roles, AUidThatIsNotMappedIsNotTheUserNobody) {
  constexpr std::uint32_t kOverflow = 65534;
  config::ControlSpec control = without_group();
  control.roles["admin"].users = {"nobody"};
  control.roles["operator"].groups = {"nogroup", daemon_group_};
  EXPECT_EQ(Access(control).role_of({kOverflow, kOverflow, 1}), Role::admin) << "on the host it is";
  const Access access(control, rootless_ids());
  EXPECT_EQ(access.role_of({0, 0, 1}), Role::admin);
  EXPECT_EQ(access.role_of({kOverflow, kOverflow, 1}), Role::none);
  EXPECT_EQ(access.role_of({kOverflow, 0, 1}), Role::none);
  EXPECT_FALSE(access.is_client({kOverflow, kOverflow, 1}, {{"nobody"}, {"nogroup"}}));
  EXPECT_EQ(access.describe({0, 0, 1}), "uid 1000");
  EXPECT_EQ(access.describe({kOverflow, 0, 1}).find("65534"), std::string::npos);
}

// A worker of its own is no more than that.
TEST_F(Roles, AWorkersUidHasNone) {
  EXPECT_EQ(Access(without_group(), rootless_ids()).role_of({100'007, 100'007, 1}), Role::none);
}

TEST_F(Roles, AnybodyElseHasNone) {
  const Access access(without_group());
  EXPECT_EQ(access.role_of(daemon_), Role::none);
  EXPECT_EQ(access.role_of(unknown_), Role::none);
}

TEST_F(Roles, MembersOfTheSocketsGroupAreOperators) {
  config::ControlSpec control = without_group();
  control.group = daemon_group_;
  const Access access(control);
  EXPECT_EQ(access.role_of(daemon_), Role::operator_);
  EXPECT_EQ(access.role_of(unknown_), Role::none);
}

// Also where the host knows no such user: the group is the connection's own (SO_PEERCRED).
TEST_F(Roles, AGroupCountsForAUserThatTheHostDoesNotKnow) {
  config::ControlSpec control = without_group();
  control.group = daemon_group_;
  EXPECT_EQ(Access(control).role_of({unknown_.uid, daemon_.gid, 1}), Role::operator_);
}

TEST_F(Roles, AnEmptyGroupHasNoMembers) {
  config::ControlSpec control = without_group();
  control.group = "";
  control.roles["admin"].groups = {""};
  control.roles["admin"].users = {""};
  EXPECT_EQ(Access(control).role_of(unknown_), Role::none) << "a uid and gid without names";
}

TEST_F(Roles, AreGivenByUser) {
  for (const auto& [word, role] : {std::pair("observer", Role::observer),
                                   std::pair("operator", Role::operator_), std::pair("admin", Role::admin)}) {
    config::ControlSpec control = without_group();
    control.roles[word].users = {"somebody", "daemon"};
    EXPECT_EQ(Access(control).role_of(daemon_), role) << word;
    EXPECT_EQ(Access(control).role_of(unknown_), Role::none) << word;
  }
}

TEST_F(Roles, AreGivenByGroup) {
  for (const auto& [word, role] : {std::pair("observer", Role::observer),
                                   std::pair("operator", Role::operator_), std::pair("admin", Role::admin)}) {
    config::ControlSpec control = without_group();
    control.roles[word].groups = {daemon_group_};
    EXPECT_EQ(Access(control).role_of(daemon_), role) << word;
  }
}

TEST_F(Roles, TheHighestCounts) {
  config::ControlSpec control = without_group();
  control.roles["observer"].users = {"daemon"};
  control.group = daemon_group_;
  EXPECT_EQ(Access(control).role_of(daemon_), Role::operator_);
  control.roles["admin"].groups = {daemon_group_};
  EXPECT_EQ(Access(control).role_of(daemon_), Role::admin);
}

TEST_F(Roles, AreTheSameWhenAskedAgain) {
  config::ControlSpec control = without_group();
  control.roles["observer"].users = {"daemon"};
  const Access access(control);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(access.role_of(daemon_), Role::observer);
    EXPECT_EQ(access.role_of(unknown_), Role::none);
  }
}

// One that is asked about more peers than it remembers forgets them and gives nobody another's role.
TEST_F(Roles, HoldForManyPeers) {
  config::ControlSpec control = without_group();
  control.roles["observer"].groups = {daemon_group_};
  const Access access(control);
  for (std::uint32_t i = 0; i < 1100; ++i)
    ASSERT_EQ(access.role_of({unknown_.uid + i, unknown_.gid + i, 1}), Role::none) << i;
  EXPECT_EQ(access.role_of(daemon_), Role::observer);
}

class Clients : public Roles {};

TEST_F(Clients, OfAPoolAreItsUsersAndGroups) {
  const Access access(without_group());
  EXPECT_TRUE(access.is_client(daemon_, {.users = {"daemon"}, .groups = {}}));
  EXPECT_TRUE(access.is_client(daemon_, {.users = {}, .groups = {daemon_group_}}));
  EXPECT_FALSE(access.is_client(unknown_, {.users = {"daemon"}, .groups = {daemon_group_}}));
  EXPECT_FALSE(access.is_client(daemon_, {.users = {"root"}, .groups = {"root"}}));
}

TEST_F(Clients, OfAPoolThatNamesNobodyAreNobody) {
  const Access access(without_group());
  EXPECT_FALSE(access.is_client(daemon_, {}));
  EXPECT_FALSE(access.is_client(unknown_, {.users = {""}, .groups = {""}}));
}

TEST_F(Clients, HaveNoRoleByThat) {
  const Access access(without_group());
  ASSERT_TRUE(access.is_client(daemon_, {.users = {"daemon"}, .groups = {}}));
  EXPECT_EQ(access.role_of(daemon_), Role::none);
}

}  // namespace
}  // namespace herd::daemon

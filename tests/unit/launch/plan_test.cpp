#include "protocol/launch/plan.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace herd::launch {
namespace {

using Json = nlohmann::json;

/// No field has its default, so that one which is not carried over is seen.
Plan full_plan() {
  Plan plan;
  plan.pool = "web";
  plan.worker = "web-7";
  plan.argv = {"/usr/bin/worker", "--name", "a \"b\" \n \\ ü", ""};
  plan.environment = {"HOME=/tmp", "EMPTY=", "TEXT=a=b"};
  plan.working_directory = "/srv";
  plan.namespaces = {.pid = false,
                     .mount = false,
                     .ipc = false,
                     .uts = false,
                     .cgroup = false,
                     .network = true,
                     .loopback_up = true};
  plan.filesystem = {
      .tmp_bytes = 1ULL << 40, .hide = {"/home"}, .read_only = {"/srv/a b"}, .writable = {"/data", "/x"}};
  plan.rlimits = {{7, 1024, 4096}, {4, ~0ULL, ~0ULL}};
  plan.capabilities = 1ULL << 63 | 1ULL << 10;
  plan.uid = 4294967294;
  plan.gid = 1900000001;
  plan.groups = {4, 4294967294};
  plan.no_new_privs = false;
  plan.seccomp_at_exec = true;
  plan.seccomp_logs = true;
  plan.seccomp_notifies = true;
  plan.seccomp_records = true;
  plan.stop_signal = 2;
  plan.stop_grace_ms = 86'400'000LL * 365;
  plan.notify = true;
  plan.notify_path = "/run/herd/notify";
  plan.relay_port = 65535;
  plan.takes_terminal = true;
  plan.fds = {FdRole::stdin_file,     FdRole::stdout_file, FdRole::stderr_file, FdRole::listener,
              FdRole::seccomp_filter, FdRole::base_tree,   FdRole::network,     FdRole::relay_listener};
  return plan;
}

void expect_equal(const Plan& found, const Plan& wanted) {
  EXPECT_EQ(found.pool, wanted.pool);
  EXPECT_EQ(found.worker, wanted.worker);
  EXPECT_EQ(found.argv, wanted.argv);
  EXPECT_EQ(found.environment, wanted.environment);
  EXPECT_EQ(found.working_directory, wanted.working_directory);
  EXPECT_EQ(found.namespaces.pid, wanted.namespaces.pid);
  EXPECT_EQ(found.namespaces.mount, wanted.namespaces.mount);
  EXPECT_EQ(found.namespaces.ipc, wanted.namespaces.ipc);
  EXPECT_EQ(found.namespaces.uts, wanted.namespaces.uts);
  EXPECT_EQ(found.namespaces.cgroup, wanted.namespaces.cgroup);
  EXPECT_EQ(found.namespaces.network, wanted.namespaces.network);
  EXPECT_EQ(found.namespaces.loopback_up, wanted.namespaces.loopback_up);
  EXPECT_EQ(found.filesystem.tmp_bytes, wanted.filesystem.tmp_bytes);
  EXPECT_EQ(found.filesystem.hide, wanted.filesystem.hide);
  EXPECT_EQ(found.filesystem.read_only, wanted.filesystem.read_only);
  EXPECT_EQ(found.filesystem.writable, wanted.filesystem.writable);
  ASSERT_EQ(found.rlimits.size(), wanted.rlimits.size());
  for (std::size_t i = 0; i < found.rlimits.size(); ++i) {
    EXPECT_EQ(found.rlimits[i].resource, wanted.rlimits[i].resource);
    EXPECT_EQ(found.rlimits[i].soft, wanted.rlimits[i].soft);
    EXPECT_EQ(found.rlimits[i].hard, wanted.rlimits[i].hard);
  }
  EXPECT_EQ(found.capabilities, wanted.capabilities);
  EXPECT_EQ(found.uid, wanted.uid);
  EXPECT_EQ(found.gid, wanted.gid);
  EXPECT_EQ(found.groups, wanted.groups);
  EXPECT_EQ(found.no_new_privs, wanted.no_new_privs);
  EXPECT_EQ(found.seccomp_at_exec, wanted.seccomp_at_exec);
  EXPECT_EQ(found.seccomp_logs, wanted.seccomp_logs);
  EXPECT_EQ(found.seccomp_notifies, wanted.seccomp_notifies);
  EXPECT_EQ(found.seccomp_records, wanted.seccomp_records);
  EXPECT_EQ(found.stop_signal, wanted.stop_signal);
  EXPECT_EQ(found.stop_grace_ms, wanted.stop_grace_ms);
  EXPECT_EQ(found.notify, wanted.notify);
  EXPECT_EQ(found.notify_path, wanted.notify_path);
  EXPECT_EQ(found.relay_port, wanted.relay_port);
  EXPECT_EQ(found.takes_terminal, wanted.takes_terminal);
  EXPECT_EQ(found.fds, wanted.fds);
}

TEST(LaunchPlan, ArrivesAsItWasSent) {
  const auto plan = parse_plan(to_json(full_plan()).value());
  ASSERT_TRUE(plan) << plan.error().message;
  expect_equal(*plan, full_plan());
}

TEST(LaunchPlan, ADefaultOneArrivesAsItWasSent) {
  const auto plan = parse_plan(to_json(Plan{}).value());
  ASSERT_TRUE(plan) << plan.error().message;
  expect_equal(*plan, Plan{});
  EXPECT_FALSE(plan->filesystem.tmp_bytes);
}

// A part that is missing must not become its default: that would be a weaker sandbox than was ordered.
TEST(LaunchPlan, EveryPartMustBeThere) {
  const Json whole = Json::parse(to_json(full_plan()).value());
  for (const auto& [key, value] : whole.items()) {
    Json part = whole;
    part.erase(key);
    EXPECT_FALSE(parse_plan(part.dump())) << key;
  }
  for (const char* key : {"pid", "mount", "ipc", "uts", "cgroup", "network", "loopback_up"}) {
    Json part = whole;
    part["namespaces"].erase(key);
    EXPECT_FALSE(parse_plan(part.dump())) << key;
  }
}

TEST(LaunchPlan, APartOfAnotherTypeIsRefused) {
  const Json whole = Json::parse(to_json(full_plan()).value());
  for (const auto& [key, value] : whole.items()) {
    Json part = whole;
    part[key] = value.is_object() ? Json("text") : Json::object();
    EXPECT_FALSE(parse_plan(part.dump())) << key;
  }
}

TEST(LaunchPlan, AnUnknownFdRoleIsRefused) {
  Json json = Json::parse(to_json(full_plan()).value());
  json["fds"][1] = "socket";
  const auto plan = parse_plan(json.dump());
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("unknown fd role"), std::string::npos) << plan.error().message;
}

TEST(LaunchPlan, GarbageIsAnErrorThatSaysWhatWasRead) {
  for (const std::string text : {"", "{", "null", "[]", "7", "\xff\xfe", R"({"pool": "web"})"}) {
    const auto plan = parse_plan(text);
    ASSERT_FALSE(plan) << text;
    EXPECT_TRUE(plan.error().message.starts_with("launch plan: ")) << plan.error().message;
  }
}

TEST(LaunchPlan, BytesThatAreNoUtf8AreRefusedNotChanged) {
  Plan plan;
  plan.argv = {"/bin/x", "a\xff"};
  const auto sent = to_json(plan);
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().message.find("not UTF-8"), std::string::npos);
}

TEST(LaunchStages, EachHasANameInTheOrderOfTheContract) {
  const std::vector<std::string> wanted{"fds",          "session",  "signals", "namespaces",   "mounts",
                                        "root",         "cgroup",   "limits",  "capabilities", "ids",
                                        "no_new_privs", "landlock", "seccomp", "exec"};
  std::vector<std::string> found;
  for (int i = 0; i <= static_cast<int>(Stage::exec); ++i) found.emplace_back(name(static_cast<Stage>(i)));
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace herd::launch

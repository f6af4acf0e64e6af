// The field table, and what is made from it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/diff.hpp"
#include "config/fields.hpp"
#include "config/reference.hpp"
#include "config/schema.hpp"
#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Reads `value` into the field as a file's text would be.
template <typename Spec>
std::vector<Issue> read_back(const Field<Spec>& field, const Json& value, Spec& spec) {
  Issues issues("default");
  const auto node = parse_document(value.dump(), issues);
  if (node) field.read(*node, {issues, field.pointer, 1}, spec);
  return std::move(issues).take();
}

template <typename Spec>
void check_defaults(const Table<Spec>& table) {
  for (const auto& field : table.fields) {
    if (field.fallback.is_null()) {
      // No default: the file must give it, or its absence has a meaning of its own.
      EXPECT_TRUE(field.is_required || field.write(Spec{}).is_null()) << field.pointer;
      continue;
    }
    Spec spec;
    EXPECT_EQ(to_text(read_back(field, field.fallback, spec)), "") << field.pointer;
    EXPECT_EQ(field.write(spec), field.fallback) << field.pointer;
  }
}

TEST(Table, every_default_passes_its_own_check_and_reads_as_itself) {
  check_defaults(pool_table());
  check_defaults(daemon_table());
}

template <typename Spec>
void check_shape(const Table<Spec>& table) {
  std::set<std::string> seen;
  for (const auto& group : table.groups) {
    EXPECT_TRUE(seen.insert(group.pointer).second) << group.pointer;
    EXPECT_NE(group.doc, "") << group.pointer;
    const bool is_good =
        group.shorthand.empty() || table.find_field(below(group.pointer, group.shorthand)) != nullptr;
    EXPECT_TRUE(is_good) << group.pointer;
  }
  for (const auto& field : table.fields) {
    EXPECT_TRUE(seen.insert(field.pointer).second) << field.pointer;
    EXPECT_NE(field.doc, "") << field.pointer;
    EXPECT_EQ(field.doc.find('|'), std::string::npos) << field.pointer << ": breaks the page's table";
    EXPECT_NE(field.words, "") << field.pointer;
    const std::string parent{parent_of(field.pointer)};
    EXPECT_TRUE(parent.empty() || table.find_group(parent) != nullptr) << field.pointer;
  }
}

TEST(Table, every_field_is_there_once_has_words_and_stands_in_a_known_object) {
  check_shape(pool_table());
  check_shape(daemon_table());
}

template <typename Spec>
void check_types(const Table<Spec>& table) {
  // No field takes all of these; each one is refused with a message and without a change.
  for (const auto& field : table.fields) {
    std::size_t refused = 0;
    for (const Json& value : {Json(nullptr), Json(true), Json(-1), Json("\x01"), Json::array({nullptr}),
                              Json{{"\x01", nullptr}}}) {
      Spec spec;
      if (!read_back(field, value, spec).empty()) ++refused;
    }
    EXPECT_GE(refused, 5u) << field.pointer;
  }
}

TEST(Table, no_field_takes_just_anything) {
  check_types(pool_table());
  check_types(daemon_table());
}

// ---- schema
// ---------------------------------------------------------------------------------------------------

const Json& property(const Json& schema, std::string_view pointer) {
  const Json* at = &schema;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string name{pointer.substr(0, pointer.find('/'))};
    pointer.remove_prefix(std::min(pointer.find('/'), pointer.size()));
    if (at->contains("anyOf")) at = &at->at("anyOf").at(0);
    at = &at->at("properties").at(name);
  }
  return *at;
}

TEST(Schema, has_every_field_with_its_default) {
  const Json schema = pool_schema();
  for (const auto& field : pool_table().fields) {
    const Json& found = property(schema, field.pointer);
    EXPECT_TRUE(found.contains("description")) << field.pointer;
    EXPECT_EQ(found.value("default", Json()), field.fallback) << field.pointer;
  }
  const Json daemon = daemon_schema();
  for (const auto& field : daemon_table().fields) EXPECT_TRUE(property(daemon, field.pointer).is_object());
}

TEST(Schema, says_what_the_reader_does) {
  const Json schema = pool_schema();
  EXPECT_EQ(schema.at("required"), Json::array({"command"}));
  EXPECT_EQ(schema.at("additionalProperties"), false);
  EXPECT_EQ(schema.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(property(schema, "/workers/max").at("maximum"), 10'000);
  EXPECT_EQ(property(schema, "/listen").at("enum"), Json::array({"unix", "tcp", "port", "none"}));
  EXPECT_EQ(property(schema, "/limits/pids").at("anyOf").at(1), Json({{"const", "off"}}));
  EXPECT_EQ(property(schema, "/health").at("anyOf").at(1), Json({{"const", "off"}}));
  EXPECT_EQ(property(schema, "/health").at("anyOf").at(0).at("required"), Json::array({"http"}));
  EXPECT_EQ(property(schema, "/sandbox/seccomp").at("anyOf").at(1).at("enum").size(), 4u);
  EXPECT_EQ(daemon_schema().count("required"), 0u);
}

// ---- reference pages
// ------------------------------------------------------------------------------------------

void expect_page(const std::string& name, const std::string& generated) {
  const auto root = std::filesystem::path(__FILE__).parent_path() / "../../..";
  const auto path = (root / "docs/reference" / name).lexically_normal();
  if (std::getenv("HERD_WRITE_REFERENCE") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << generated;
  }
  std::ifstream file(path);
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), generated)
      << path << " is out of date: run this test with HERD_WRITE_REFERENCE=1";
}

TEST(Reference, the_committed_pages_are_the_tables) {
  expect_page("pool-file.md", pool_reference());
  expect_page("herd-json.md", daemon_reference());
}

// ---- diff
// -----------------------------------------------------------------------------------------------------

TEST(Diff, nothing_changed) {
  const PoolSpec spec = good(pool_with(""));
  EXPECT_THAT(diff(spec, spec), IsEmpty());
  EXPECT_EQ(strongest({}), Applies::live);
}

TEST(Diff, a_value_written_another_way_is_no_change) {
  EXPECT_THAT(diff(good(pool_with(R"("ready": {"timeout": "60s"})")),
                   good(pool_with(R"("ready": {"timeout": "1m"})"))),
              IsEmpty());
}

TEST(Diff, names_each_changed_field_with_both_values) {
  const PoolSpec before = good(pool_with(""));
  const PoolSpec after = good(pool_with(
      R"("workers": {"max": 20}, "stop": {"grace": "1s"}, "limits": {"cpu": "off", "memory": "1GiB"},
                   "environment": {"A": "b"})"));
  EXPECT_THAT(diff(before, after),
              UnorderedElementsAre(Change{"/workers/max", Applies::live, "10", "20"},
                                   Change{"/stop/grace", Applies::next_spawn, R"("10s")", R"("1s")"},
                                   Change{"/limits/cpu", Applies::recycle, "0.5", R"("off")"},
                                   Change{"/limits/memory", Applies::recycle, R"("256MiB")", R"("1GiB")"},
                                   Change{"/environment", Applies::recycle, "{}", R"({"A":"b"})"}));
}

TEST(Diff, optional_parts_come_and_go) {
  const PoolSpec without = good(pool_with(""));
  const PoolSpec with = good(pool_with(R"("health": {"http": "/up"}, "gateway": {"prefix": "/x/"})"));
  EXPECT_THAT(diff(without, with),
              ::testing::IsSupersetOf({Change{"/health/http", Applies::live, "\"off\"", "\"/up\""},
                                       Change{"/gateway/prefix", Applies::live, "absent", "\"/x/\""}}));
  EXPECT_THAT(diff(with, without),
              ::testing::Contains(Change{"/health/interval", Applies::live, "\"5s\"", "\"off\""}));
}

TEST(Diff, another_way_of_being_ready) {
  EXPECT_THAT(diff(good(pool_with("")), good(pool_with(R"("ready": {"http": "/up"})"))),
              ElementsAre(Change{"/ready/notify", Applies::next_spawn, "true", "absent"},
                          Change{"/ready/http", Applies::next_spawn, "absent", "\"/up\""}));
}

TEST(Diff, the_strongest_decides) {
  const auto change = [](Applies applies) { return Change{"/x", applies, "", ""}; };
  EXPECT_EQ(strongest({change(Applies::live), change(Applies::next_spawn)}), Applies::next_spawn);
  EXPECT_EQ(strongest({change(Applies::recycle), change(Applies::live)}), Applies::recycle);
}

TEST(Diff, every_member_of_the_spec_is_seen) {
  // A spec in which everything differs from the defaults: each field of the table has to notice.
  const PoolSpec other = good(R"({
    "command": ["/bin/false"], "environment": {"A": ""}, "pass_environment": ["B"], "working_directory": "/tmp",
    "workers": {"min": 2, "max": 11, "spare": 2, "start_concurrency": 9},
    "sessions": {"lease": "connection", "idle_timeout": "6m", "max_lifetime": "1h", "reuse": true,
                 "acquire_timeout": "31s", "queue_limit": 257},
    "listen": "tcp", "ready": {"http": "/x", "timeout": "31s"},
    "health": {"http": "/x"}, "restart": {"backoff_min": "101ms", "backoff_max": "31s", "reset_after": "61s",
    "burst": 6, "window": "11s"}, "stop": {"signal": "SIGINT", "grace": "11s"},
    "recycle": {"sessions": 1, "age": "1h", "memory": "1GiB"},
    "limits": {"memory": "257MiB", "swap": "1B", "cpu": 0.6, "pids": 101, "open_files": 1025, "core": "1B"},
    "sandbox": {"user": "alice", "namespaces": ["pid"], "network": "none", "capabilities": ["CAP_SYS_ADMIN"],
      "filesystem": {"tmp": "65MiB", "hide": ["/x"], "read_only": ["/y"], "writable": ["/z"]},
      "no_new_privs": false, "seccomp": {"policy": "kill", "enter": "exec", "denials": "notify"}, "required": false},
    "gateway": {"prefix": "/x/", "host": "x.org", "session": {"cookie": "c", "issue": true}, "create": false,
      "strip_prefix": true, "request_timeout": "off", "tunnel_idle_timeout": "off"},
    "clients": {"users": ["alice"], "groups": ["staff"]}})");
  std::set<std::string> seen;
  for (const Change& change : diff(good(pool_with("")), other)) seen.insert(change.pointer);
  // These have one value in this version, or are alternatives that neither file chose.
  const std::set<std::string> same = {"/ready/connect",           "/ready/started",
                                      "/sandbox/filesystem/root", "/sandbox/landlock",
                                      "/sandbox/seccomp/profile", "/gateway/session/header",
                                      "/gateway/session/path",    "/gateway/session/query"};
  for (const auto& field : pool_table().fields)
    EXPECT_NE(seen.count(field.pointer), same.count(field.pointer)) << field.pointer;
}

TEST(Diff, the_daemons_file_too) {
  DaemonSpec after;
  after.log.level = "debug";
  after.control.roles["admin"].users = {"alice"};
  after.uids.count = 10;
  EXPECT_THAT(
      diff(DaemonSpec{}, after),
      UnorderedElementsAre(Change{"/log/level", Applies::live, "\"info\"", "\"debug\""},
                           Change{"/control/roles/admin/users", Applies::live, "absent", "[\"alice\"]"},
                           Change{"/control/roles/admin/groups", Applies::live, "absent", "[]"},
                           Change{"/uids/count", Applies::restart, "65536", "10"}));
}

}  // namespace
}  // namespace herd::config::testing

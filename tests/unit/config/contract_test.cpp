// The contract's example of a pool file, word for word: its values are the defaults.
#include "config/fields.hpp"
#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

constexpr std::string_view kExample = R"({
  "command": ["/usr/lib/herd/examples/echo-worker"],   // absolute; argv; ${PORT} ${WORKER_ID} ${POOL} are expanded
  "environment": {"GREETING": "hello"},                // the worker's environment is this + section 8, nothing else
  "pass_environment": [],                              // names copied from the daemon's
  "working_directory": "/",
  "workers":  {"min": 1, "max": 10, "spare": 1, "start_concurrency": 8},
  "sessions": {"lease": "idle", "idle_timeout": "5m", "max_lifetime": "off", "reuse": false,
               "acquire_timeout": "30s", "queue_limit": 256},
  "listen":   "unix",        // unix | tcp: herd binds and hands the socket over as fd 3; port: the worker binds ${PORT}; none
  "ready":    {"notify": true, "timeout": "30s"},      // or {"http": "/health"}, {"connect": true} (default with listen port), {"started": true}
  "health":   "off",         // or {"http": "/health", "interval": "5s", "timeout": "2s", "failures": 3}; that the process lives is always watched
  "restart":  {"backoff_min": "100ms", "backoff_max": "30s", "reset_after": "60s", "burst": 5, "window": "10s"},
  "stop":     {"signal": "SIGTERM", "grace": "10s"},
  "recycle":  {"sessions": "off", "age": "off", "memory": "off"},
  "limits":   {"memory": "256MiB", "swap": "0B", "cpu": 0.5, "pids": 100, "open_files": 1024, "core": "0B"},
  "sandbox": {
    "user": "auto",          // auto: a uid/gid of its own for each worker; or a user's name
    "namespaces": ["pid", "mount", "ipc", "uts", "cgroup"],
    "network": "host",       // host | none (a namespace with nothing in it) | loopback
    "filesystem": {"root": "read_only_host", "tmp": "64MiB", "hide": ["/home", "/root"], "read_only": [], "writable": []},
    "capabilities": [],
    "no_new_privs": true,
    "landlock": "off",
    "seccomp": {"policy": "errno", "profile": "worker", "enter": "worker", "denials": "audit"},
    "required": true         // false: parts that this host lacks are left out, and `status` says so in each worker's record
  },
  "gateway":  {"prefix": "/echo/", "session": {"header": "X-Session-ID"}, "create": true},
  "clients":  {"users": [], "groups": []}
})";

TEST(Contract, the_example_reads) {
  const PoolSpec spec = good(kExample);
  EXPECT_THAT(spec.command, ::testing::ElementsAre("/usr/lib/herd/examples/echo-worker"));
  EXPECT_THAT(spec.environment, ::testing::ElementsAre(::testing::Pair("GREETING", "hello")));
  ASSERT_TRUE(spec.gateway.has_value());
  EXPECT_EQ(spec.gateway->prefix, "/echo/");
  EXPECT_EQ(spec.name, "web");
  EXPECT_EQ(spec.file, "web.json");
}

TEST(Contract, the_examples_values_are_the_defaults) {
  PoolSpec example = good(kExample);
  PoolSpec defaults = good(R"({"command": ["/usr/lib/herd/examples/echo-worker"]})");
  EXPECT_TRUE(defaults.environment.empty());
  EXPECT_FALSE(defaults.gateway.has_value());
  example.environment.clear();
  example.gateway.reset();
  EXPECT_TRUE(example == defaults);
}

TEST(Contract, the_example_names_every_field) {
  Issues none("");
  const auto document = parse_document(kExample, none);
  ASSERT_TRUE(document.has_value());
  for (const auto& field : pool_table().fields) {
    const std::string_view group = parent_of(field.pointer);
    const bool is_alternative =
        group == "/ready" || group == "/health" || group == "/gateway" || group == "/gateway/session";
    EXPECT_TRUE(document->at(field.pointer) != nullptr || is_alternative) << field.pointer;
  }
}

TEST(Contract, each_default_of_the_table_is_the_examples_value) {
  Issues issues("");
  const auto document = parse_document(kExample, issues);
  ASSERT_TRUE(document.has_value());
  const PoolSpec example = good(kExample);
  for (const auto& field : pool_table().fields) {
    if (document->at(field.pointer) == nullptr || field.is_required || field.pointer == "/environment" ||
        field.pointer == "/gateway/prefix")
      continue;
    EXPECT_EQ(field.fallback, field.write(example)) << field.pointer;
  }
}

}  // namespace
}  // namespace herd::config::testing

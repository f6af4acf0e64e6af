#include "daemon/exec/landlock_rules.hpp"

#include <fcntl.h>

#include "common/kernel/mount_calls.hpp"

namespace herd::exec {
namespace {

using kernel::landlock::Access;
using kernel::landlock::Ruleset;

/// What is not there needs no rule.
Status allow(Ruleset& rules, int root, const std::string& path, Access access) {
  auto place = kernel::open_inside(root, path);
  if (!place) return place.error().errno_value == ENOENT ? Status{} : tl::make_unexpected(place.error());
  if (auto allowed = rules.allow(place->get(), access); !allowed) return fail_in(path, allowed.error());
  return {};
}

}  // namespace

Result<std::optional<Ruleset>> make_landlock_rules(const launch::Plan& plan) {
  if (plan.landlock.mode == launch::LandlockMode::off) return std::optional<Ruleset>();
  const int abi = kernel::landlock::abi();
  if (plan.landlock.mode == launch::LandlockMode::required && abi < kernel::landlock::kAbiScopes)
    return fail("\"landlock\": \"required\" needs a kernel with Landlock's ABI " +
                std::to_string(kernel::landlock::kAbiScopes) + " (Linux 6.12), this one has " +
                std::to_string(abi));
  if (abi == 0) return std::optional<Ruleset>();
  HERD_TRY(Ruleset rules,
           Ruleset::create({plan.landlock.limits_tcp_bind, plan.landlock.forbids_tcp_connect}));
  const UniqueFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("open '/'");
  HERD_CHECK(rules.allow(root.get(), Access::look));
  for (const char* path : {"/dev", "/proc"}) HERD_CHECK(allow(rules, root.get(), path, Access::write));
  for (const char* path : {"/tmp", "/dev/shm", "/run"})
    HERD_CHECK(allow(rules, root.get(), path, Access::all));
  for (const std::string& path : plan.filesystem.writable)
    HERD_CHECK(allow(rules, root.get(), path, Access::all));
  for (const std::uint16_t port : plan.landlock.tcp_bind_ports) HERD_CHECK(rules.allow_tcp_bind(port));
  return std::optional<Ruleset>(std::move(rules));
}

}  // namespace herd::exec

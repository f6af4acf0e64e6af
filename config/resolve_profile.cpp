#include "config/resolve_profile.hpp"

#include <fcntl.h>

#include "common/seccomp/compiler.hpp"
#include "config/file.hpp"
#include "config/preset_catalog.hpp"

namespace herd::config {
namespace {

constexpr const char* kPointer = "/sandbox/seccomp/profile";

std::optional<seccomp::Profile> read_file_profile(const std::string& path, const ProfileContext& context,
                                                  const HostFacts& facts, const Place& place) {
  const auto text = read_config_file(AT_FDCWD, path, {facts.daemon_uid, facts.unmapped_uid});
  if (!text) {
    place.refuse(path + ": " + text.error().message);
    return std::nullopt;
  }
  Issues issues(path);
  auto profile = read_profile(*text, path, context, issues);
  for (const Issue& issue : std::move(issues).take()) place.refuse(to_text(issue));
  return profile;
}

std::optional<seccomp::Profile> find_profile(const std::string& name, const ProfileContext& context,
                                             const HostFacts& facts, const Place& place) {
  if (name.starts_with('/')) return read_file_profile(name, context, facts, place);
  auto profile = find_preset(name, context);
  if (profile) return std::move(*profile);
  place.refuse(profile.error().message);
  return std::nullopt;
}

}  // namespace

void resolve_profile(const Node& document, const HostFacts& facts, Issues& issues, PoolSpec& spec) {
  if (issues.touches(kPointer) || issues.touches("/sandbox/capabilities")) return;
  SeccompSpec& seccomp = spec.sandbox.seccomp;
  ProfileContext context;
  context.capabilities = spec.sandbox.capabilities;
  const Place place{issues, kPointer, document.line_of(kPointer)};
  auto profile = find_profile(seccomp.profile, context, facts, place);
  if (!profile) return;
  if (const auto program = seccomp::compile(*profile, seccomp::Policy::errno_, context.arch); !program)
    return place.refuse(program.error().message);
  seccomp.rules.value = std::make_shared<const seccomp::Profile>(std::move(*profile));
}

}  // namespace herd::config

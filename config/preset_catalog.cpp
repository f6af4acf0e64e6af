#include "config/preset_catalog.hpp"

#include "common/seccomp/presets.hpp"
#include "config/pool_spec.hpp"
#include "config/profile_data.hpp"
#include "config/text.hpp"

namespace herd::config {

static constexpr const char* kDocker = "docker";

std::vector<std::string> preset_names() {
  std::vector<std::string> names{kDocker};
  for (const std::string_view name : seccomp::preset_names()) names.emplace_back(name);
  return names;
}

Result<seccomp::Profile> find_preset(const std::string& name, const ProfileContext& context) {
  if (name == kDocker) {
    Issues issues("docker.json");
    auto profile = read_profile(kDockerJson, name, context, issues);
    if (!profile) return fail(to_text(std::move(issues).take()));
    return std::move(*profile);
  }
  if (auto profile = seccomp::preset(name)) return profile;
  const auto known = preset_names();
  const auto near = nearest(name, known);
  return fail("unknown profile " + quote(name) + ", expected " + one_of(known) +
              " or the absolute path of a file" + (near ? "; did you mean " + quote(*near) + "?" : ""));
}

std::shared_ptr<const seccomp::Profile> SharedProfile::worker_profile() {
  static const auto kWorker = std::make_shared<const seccomp::Profile>(seccomp::preset("worker").value());
  return kWorker;
}

}  // namespace herd::config

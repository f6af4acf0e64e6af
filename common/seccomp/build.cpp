#include "common/seccomp/build.hpp"

#include "common/seccomp/check.hpp"
#include "common/seccomp/presets.hpp"

namespace herd::seccomp {

Result<Program> build(const Profile& profile, Policy policy, Arch arch, Denials denials) {
  HERD_TRY(Program program, compile(profile, policy, arch, denials));
  HERD_CHECK(check(program, profile, policy, denials));
  return program;
}

Result<Program> build(std::string_view preset_name, Policy policy, Arch arch) {
  HERD_TRY(const Profile profile, preset(preset_name));
  return build(profile, policy, arch);
}

}  // namespace herd::seccomp

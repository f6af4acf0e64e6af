#include "common/kernel/landlock.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace herd::kernel::landlock {
namespace {

// The kernel's own header on a build host may be older than the kernel that herd runs on (linux/landlock.h,
// Linux 6.15).
constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDir = 1 << 3;
constexpr std::uint64_t kMakeChar = 1 << 6, kMakeBlock = 1 << 11;
constexpr std::uint64_t kRefer = 1 << 13, kTruncate = 1 << 14, kIoctlDev = 1 << 15;
constexpr std::uint64_t kBindTcp = 1 << 0, kConnectTcp = 1 << 1;
constexpr std::uint64_t kScopeAbstractSockets = 1 << 0, kScopeSignals = 1 << 1;
constexpr unsigned kCreateVersion = 1, kRulePath = 1, kRulePort = 2;

struct RulesetAttributes {
  std::uint64_t files = 0, tcp = 0, scopes = 0;
};
struct [[gnu::packed]] PathRule {
  std::uint64_t allowed;
  std::int32_t parent_fd;
};
struct PortRule {
  std::uint64_t allowed, port;
};

std::uint64_t known_file_rights(int abi) {
  std::uint64_t rights = kRefer - 1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kIoctlDev;
  return rights;
}

std::uint64_t rights_of(Access access, bool is_directory) {
  std::uint64_t rights = kExecute | kReadFile | kReadDir;
  if (access == Access::write) rights |= kWriteFile | kTruncate | kIoctlDev;
  if (access == Access::all) rights = ~(kMakeChar | kMakeBlock);
  constexpr std::uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;
  return is_directory ? rights : rights & kOfFiles;
}

}  // namespace

int abi() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kCreateVersion);
  return version < 0 ? 0 : static_cast<int>(version);
}

Result<Ruleset> Ruleset::create(const Options& options) {
  const int version = landlock::abi();
  RulesetAttributes attributes;
  attributes.files = known_file_rights(version);
  const bool has_tcp = version >= kAbiTcp;
  if (has_tcp && options.has_tcp_bind) attributes.tcp |= kBindTcp;
  if (has_tcp && options.has_tcp_connect) attributes.tcp |= kConnectTcp;
  if (version >= kAbiScopes) attributes.scopes = kScopeAbstractSockets | kScopeSignals;
  // Fields that an older kernel does not know are zero here, and so no error there.
  UniqueFd fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!fd) return fail_errno("create a Landlock ruleset");
  return Ruleset(std::move(fd), version, has_tcp && options.has_tcp_bind);
}

Status Ruleset::allow(int path_fd, Access access) {
  struct stat info {};
  if (fstat(path_fd, &info) != 0) return fail_errno("stat a path of a Landlock rule");
  const PathRule rule{rights_of(access, S_ISDIR(info.st_mode)) & known_file_rights(abi_), path_fd};
  if (::syscall(SYS_landlock_add_rule, fd_.get(), kRulePath, &rule, 0) != 0)
    return fail_errno("add a Landlock rule");
  return {};
}

Status Ruleset::allow_tcp_bind(std::uint16_t port) {
  if (!has_tcp_bind_) return {};
  const PortRule rule{kBindTcp, port};
  if (::syscall(SYS_landlock_add_rule, fd_.get(), kRulePort, &rule, 0) != 0)
    return fail_errno("add a Landlock rule for port " + std::to_string(port));
  return {};
}

Status Ruleset::restrict_self() const {
  if (::syscall(SYS_landlock_restrict_self, fd_.get(), 0) != 0)
    return fail_errno("enter the Landlock ruleset");
  return {};
}

}  // namespace herd::kernel::landlock

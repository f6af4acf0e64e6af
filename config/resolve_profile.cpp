#include "config/resolve_profile.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>

#include "common/seccomp/compiler.hpp"
#include "common/seccomp/edges.hpp"
#include "common/seccomp/evaluator.hpp"
#include "config/file.hpp"
#include "config/preset_catalog.hpp"
#include "config/text.hpp"

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

/// What is called under the filter before herdd has its listener: nobody could answer it.
struct FirstCall {
  int number;
  std::string name, why;
  /// One set for each place in memory that its pointers may have, and each number of its descriptor.
  std::array<seccomp::Arguments, 2> arguments;
};

FirstCall first_call(SeccompEnter enter) {
  constexpr std::uint64_t kOnHeap = 0x5555'5555'a010, kOnStack = 0x7fff'ffff'e0f0;
  if (enter == SeccompEnter::worker)
    return {SYS_sendmsg,
            "sendmsg",
            "with which enter_sandbox() hands its listener to herdd",
            {{{3, kOnHeap, MSG_NOSIGNAL}, {900, kOnStack, MSG_NOSIGNAL}}}};
  return {SYS_execve,
          "execve",
          "which comes before herdd has the filter's listener",
          {{{kOnHeap, kOnHeap, kOnHeap}, {kOnStack, kOnStack, kOnStack}}}};
}

bool is_allowed(const seccomp::Program& program, const FirstCall& call) {
  for (const seccomp::Arguments& arguments : call.arguments) {
    seccomp_data data{call.number, seccomp::audit_arch(program.arch), 0, {}};
    std::copy(arguments.begin(), arguments.end(), data.args);
    const auto answer = seccomp::evaluate(program.instructions, data);
    if (!answer || *answer != SECCOMP_RET_ALLOW) return false;
  }
  return true;
}

void check_first_call(const Node& document, const SeccompSpec& seccomp, const seccomp::Program& program,
                      Issues& issues) {
  constexpr const char* kDenials = "/sandbox/seccomp/denials";
  if (seccomp.policy == SeccompPolicy::off || seccomp.denials != seccomp::Denials::notify) return;
  if (issues.touches("/sandbox/seccomp")) return;
  const FirstCall call = first_call(seccomp.enter);
  if (is_allowed(program, call)) return;
  issues.add(document.line_of(kDenials), kDenials,
             "the profile " + quote(seccomp.profile) + " does not allow " + call.name + ", " + call.why +
                 ": allow it there, or write \"audit\" here");
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
  const auto program = seccomp::compile(*profile, seccomp::Policy::errno_, context.arch);
  if (!program) return place.refuse(program.error().message);
  check_first_call(document, seccomp, *program, issues);
  seccomp.rules.value = std::make_shared<const seccomp::Profile>(std::move(*profile));
}

}  // namespace herd::config

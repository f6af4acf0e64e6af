#include "cli/record/profile_text.hpp"

#include <cerrno>
#include <nlohmann/json.hpp>

namespace herd::record {
namespace {

using Json = nlohmann::ordered_json;  // as people write profiles: action after names, args before comment

/// Of every end of a thread and every return from a signal handler, seen or not.
const std::vector<std::string>& always_needed() {
  static const std::vector<std::string> kNames{"exit", "exit_group", "restart_syscall", "rt_sigreturn"};
  return kNames;
}

bool is_always_needed(const std::string& name) {
  const auto& names = always_needed();
  return std::find(names.begin(), names.end(), name) != names.end();
}

Json allow(const std::vector<std::string>& names) {
  return {{"names", names}, {"action", "SCMP_ACT_ALLOW"}};
}

Json to_json(const Condition& condition) {
  return {{"index", condition.index},
          {"value", condition.mask},
          {"valueTwo", condition.value},
          {"op", "SCMP_CMP_MASKED_EQ"}};
}

Json args_of(const std::string& name, const std::vector<Condition>& exact, std::uint64_t flags) {
  Json args = Json::array();
  for (const Condition& condition : exact) args.push_back(to_json(condition));
  const LookedAt* known = looked_at(name);
  if (known != nullptr && known->flags && flags != kLow32)
    args.push_back(to_json({*known->flags, kLow32 & ~flags, 0}));
  return args;
}

std::string join(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Json open_calls(const Recording& recording, Exec exec) {
  std::vector<std::string> names;
  std::set<std::string> too_many;
  for (const auto& [name, call] : recording.calls()) {
    if (call.is_open && !is_always_needed(name) && !(exec == Exec::always && name == "execve"))
      names.push_back(name);
    if (call.had_too_many) too_many.insert(name);
  }
  if (names.empty()) return nullptr;
  Json rule = allow(names);
  if (!too_many.empty())
    rule["comment"] = "with more than " + std::to_string(kMaxAlternatives) +
                      " sets of arguments, which are left open: " + join(too_many);
  return rule;
}

Json refused_calls(const Recording& recording) {
  std::string comment =
      "no filter can read the flags of clone3, and calls through io_uring pass none: with ENOSYS programs "
      "fall back to what a filter sees";
  if (!recording.refused().empty()) comment += "; asked for: " + join(recording.refused());
  if (recording.foreign() + recording.x32() > 0)
    comment += "; not in this profile: " + std::to_string(recording.foreign()) +
               " calls of a foreign architecture, " + std::to_string(recording.x32()) + " of x32";
  if (!recording.unknown_numbers().empty()) {
    comment += "; not in this profile: numbers without a name:";
    for (const int number : recording.unknown_numbers()) comment += " " + std::to_string(number);
  }
  return {{"names", unfilterable_calls()},
          {"action", "SCMP_ACT_ERRNO"},
          {"errnoRet", ENOSYS},
          {"comment", std::move(comment)}};
}

Json rules_of(const Recording& recording, const Provenance& provenance, Exec exec) {
  Json rules = Json::array();
  rules.push_back(allow(always_needed()));
  rules.back()["comment"] = provenance.to_text();
  if (exec == Exec::always) {
    rules.push_back(allow({"execve"}));
    rules.back()["comment"] = recording.has("execve")
                                  ? "the command does it itself, too"
                                  : "starts the command, under a filter that is there before it";
  }
  if (Json open = open_calls(recording, exec); !open.is_null()) rules.push_back(std::move(open));
  for (const auto& [name, call] : recording.calls()) {
    if (call.is_open || is_always_needed(name)) continue;
    for (const auto& [exact, flags] : call.alternatives) {
      rules.push_back(allow({name}));
      if (Json args = args_of(name, exact, flags); !args.empty()) rules.back()["args"] = std::move(args);
    }
  }
  rules.push_back(refused_calls(recording));
  return rules;
}

}  // namespace

std::string to_profile(const Recording& recording, const Provenance& provenance, Exec exec) {
  const Json profile{{"defaultAction", "SCMP_ACT_ERRNO"},
                     {"defaultErrnoRet", EPERM},
                     {"architectures",
                      {recording.arch() == seccomp::Arch::x86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64"}},
                     {"syscalls", rules_of(recording, provenance, exec)}};
  return profile.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace herd::record

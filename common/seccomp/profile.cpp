#include "common/seccomp/profile.hpp"

#include <linux/audit.h>

#include <cstdio>
#include <cstring>

namespace herd::seccomp {
namespace {

std::string_view symbol(Compare op) {
  switch (op) {
    case Compare::equal:
    case Compare::masked_equal:
      return "==";
    case Compare::any_bits:
    case Compare::not_equal:
      return "!=";
    case Compare::less:
      return "<";
    case Compare::less_equal:
      return "<=";
    case Compare::greater:
      return ">";
    case Compare::greater_equal:
      return ">=";
  }
  return "?";
}

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

bool has_mask(const ArgCondition& condition) {
  return condition.op == Compare::masked_equal || condition.op == Compare::any_bits;
}

Status validate(const ArgCondition& condition) {
  if (condition.index >= kArgumentCount)
    return fail("argument " + std::to_string(condition.index) + ": a syscall has arguments 0 to 5");
  if (!has_mask(condition)) return {};
  if (condition.mask == 0) return fail(describe(condition) + ": an empty mask compares nothing");
  if (condition.op == Compare::any_bits) {
    if (condition.value != 0) return fail(describe(condition) + ": any_bits compares with nothing but 0");
    return {};
  }
  if ((condition.value & ~condition.mask) != 0)
    return fail(describe(condition) + ": can never hold, the value has bits outside the mask");
  return {};
}

Status validate(const Rule& rule) {
  if (rule.names.empty()) return fail("a rule names no syscall");
  if (rule.conditions.size() > kMaxConditions)
    return fail("a rule for " + rule.names.front() + " has " + std::to_string(rule.conditions.size()) +
                " conditions, at most " + std::to_string(kMaxConditions) + " are possible");
  for (const auto& condition : rule.conditions)
    if (auto status = validate(condition); !status)
      return fail_in("rule for " + rule.names.front(), std::move(status).error());
  if (rule.action.kind == Action::Kind::deny && (rule.action.error < 1 || rule.action.error > kMaxError))
    return fail("rule for " + rule.names.front() + ": error " + std::to_string(rule.action.error) +
                " does not exist, expected 1 to " + std::to_string(kMaxError));
  return {};
}

}  // namespace

Status validate(const Profile& profile) {
  for (const auto& rule : profile.rules) HERD_CHECK(validate(rule));
  return {};
}

Action Action::deny_with(int error) {
  return error == ENOSYS ? no_such_syscall : Action{Kind::deny, error};
}

std::string error_name(int error) {
  const char* known = ::strerrorname_np(error);
  return known != nullptr ? known : std::to_string(error);
}

Arch native_arch() {
#if defined(__x86_64__) && !defined(__ILP32__)
  return Arch::x86_64;
#elif defined(__aarch64__)
  return Arch::aarch64;
#else
#error "herd's filters are for x86_64 and aarch64"
#endif
}

std::uint32_t audit_arch(Arch arch) {
  return arch == Arch::x86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

std::string_view name(Policy policy) {
  switch (policy) {
    case Policy::log:
      return "log";
    case Policy::errno_:
      return "errno";
    case Policy::kill:
      return "kill";
  }
  return "?";
}

std::string_view name(Denials denials) {
  return denials == Denials::notify ? "notify" : "audit";
}

std::string_view name(Arch arch) {
  return arch == Arch::x86_64 ? "x86_64" : "aarch64";
}

std::string describe(Action action) {
  switch (action.kind) {
    case Action::Kind::allow:
      return "allow";
    case Action::Kind::log:
      return "allow and record";
    case Action::Kind::no_such_syscall:
      return "no such syscall";
    case Action::Kind::deny:
      return action.error == EPERM ? "deny" : "deny with " + error_name(action.error);
    case Action::Kind::trap:
      return "trap";
    case Action::Kind::kill:
      return "kill";
  }
  return "?";
}

std::string describe(const ArgCondition& condition) {
  std::string text = "arg" + std::to_string(condition.index);
  if (has_mask(condition)) text += " & " + hex(condition.mask);
  return text + " " + std::string(symbol(condition.op)) + " " + hex(condition.value);
}

std::string describe(const std::vector<ArgCondition>& conditions) {
  std::string text;
  for (const auto& condition : conditions) text += (text.empty() ? "" : " and ") + describe(condition);
  return text;
}

}  // namespace herd::seccomp

#include "cli/suggestions.hpp"

#include <algorithm>

#include "cli/human.hpp"
#include "common/seccomp/lint.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::cli {
namespace {

using Advice = Suggestion::Advice;

void advise(Suggestion& suggestion) {
  const std::string danger = seccomp::danger_of(suggestion.call);
  if (suggestion.arch != seccomp::name(seccomp::native_arch()) ||
      !seccomp::is_syscall_name(suggestion.call)) {
    suggestion.advice = Advice::impossible;
    suggestion.opens = "only named calls of the host's own architecture can be allowed";
  } else if (seccomp::has_fallback(suggestion.call) || suggestion.call.starts_with("io_uring_")) {
    suggestion.advice = Advice::leave;
    suggestion.opens = "programs fall back from it" + (danger.empty() ? "" : "; it " + danger);
  } else if (!danger.empty()) {
    suggestion.advice = Advice::think;
    suggestion.opens = danger;
  } else {
    suggestion.opens = "nothing that is known to be dangerous";
  }
}

}  // namespace

std::string_view name(Suggestion::Advice advice) {
  switch (advice) {
    case Advice::allow:
      return "allow";
    case Advice::think:
      return "think";
    case Advice::leave:
      return "leave";
    case Advice::impossible:
      return "impossible";
  }
  return "?";
}

void Denials::add(const std::string& worker, const Json& denial, const char* count) {
  const Json& call = at(denial, "syscall");
  const Json& times = at(denial, count);
  if (!call.is_string() || !times.is_number_unsigned()) return;
  const Kind kind{worker, call, text_at(denial, "arch"), text_at(denial, "action"), text_at(denial, "exe")};
  std::uint64_t& so_far = counts_[kind];
  so_far = std::max(so_far, times.get<std::uint64_t>());
}

void Denials::add_event(const Json& event) {
  if (at(event, "type") == "seccomp_denied") add(text_at(event, "worker"), event, "total");
}

void Denials::add_worker(const Json& worker) {
  const Json& denials = at(worker, "last_denials");
  if (!denials.is_array()) return;
  for (const Json& denial : denials) add(text_at(worker, "id"), denial, "count");
}

std::vector<Suggestion> Denials::suggestions() const {
  std::map<std::pair<std::string, std::string>, Suggestion> by_call;
  for (const auto& [kind, times] : counts_) {
    Suggestion& suggestion = by_call[{kind.arch, kind.call}];
    suggestion.call = kind.call;
    suggestion.arch = kind.arch;
    suggestion.times += times;
    suggestion.programs.insert(kind.program);
  }
  std::vector<Suggestion> all;
  for (auto& [call, suggestion] : by_call) {
    advise(suggestion);
    all.push_back(std::move(suggestion));
  }
  std::ranges::stable_sort(all, std::greater{}, &Suggestion::times);
  return all;
}

}  // namespace herd::cli

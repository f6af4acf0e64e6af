#include "common/seccomp/call_tree.hpp"

#include <span>

namespace herd::seccomp {
namespace {

constexpr std::size_t kLongestJump = 255;  // of a conditional one: it has 8 bits

void emit(std::span<const NumberRun> runs, std::vector<sock_filter>& code) {
  if (runs.size() == 1) {
    code.insert(code.end(), runs.front().code.begin(), runs.front().code.end());
    return;
  }
  const auto upper = runs.subspan(runs.size() / 2);
  std::vector<sock_filter> below;
  emit(runs.first(runs.size() / 2), below);
  constexpr std::uint16_t kAtLeast = BPF_JMP | BPF_JGE | BPF_K;
  const std::uint32_t first = upper.front().first;
  if (below.size() <= kLongestJump) {
    code.push_back({kAtLeast, static_cast<std::uint8_t>(below.size()), 0, first});
  } else {
    code.push_back({kAtLeast, 0, 1, first});
    code.push_back({BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(below.size())});
  }
  code.insert(code.end(), below.begin(), below.end());
  emit(upper, code);
}

}  // namespace

std::vector<sock_filter> emit_call_tree(const std::vector<NumberRun>& runs) {
  std::vector<sock_filter> code;
  emit(runs, code);
  return code;
}

}  // namespace herd::seccomp

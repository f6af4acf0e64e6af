#include "common/seccomp/ask_all.hpp"

#include <linux/seccomp.h>
#include <sys/random.h>

#include <cstddef>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {
namespace {

constexpr unsigned kFirstFree = 3;

sock_filter answer_with(std::uint32_t value) {
  return BPF_STMT(BPF_RET | BPF_K, value);
}

}  // namespace

Result<Pass> make_pass() {
  Pass pass{};
  if (::getrandom(pass.data(), sizeof pass, 0) != static_cast<ssize_t>(sizeof pass))
    return fail_errno("getrandom");
  return pass;
}

std::vector<sock_filter> ask_for_all_but(int passing, const Pass& pass, std::span<const int> unasked) {
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit_arch(native_arch()), 1, 0),
      answer_with(SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const int call : unasked) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
    program.push_back(answer_with(SECCOMP_RET_ALLOW));
  }
  const auto require = [&program](std::uint64_t value) {
    program.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value & 0xffff'ffffU), 1, 0));
    program.push_back(answer_with(SECCOMP_RET_USER_NOTIF));
  };
  require(static_cast<std::uint64_t>(passing));
  for (unsigned i = 0; i < pass.size(); ++i) {  // both architectures are little-endian
    const std::size_t at = offsetof(seccomp_data, args) + (kFirstFree + i) * sizeof(std::uint64_t);
    for (const bool upper : {false, true}) {
      const auto offset = static_cast<std::uint32_t>(at + (upper ? sizeof(std::uint32_t) : 0));
      program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
      require(upper ? pass[i] >> 32U : pass[i]);
    }
  }
  program.push_back(answer_with(SECCOMP_RET_ALLOW));
  return program;
}

}  // namespace herd::seccomp

#include "common/seccomp/disassemble.hpp"

#include <linux/seccomp.h>

#include <cstddef>
#include <cstdio>

#include "common/seccomp/meaning.hpp"

namespace herd::seccomp {
namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "#0x%x", value);
  return text;
}

std::string label(std::size_t at) {
  return "l" + std::to_string(at);
}

std::string field(std::uint32_t offset) {
  if (offset == offsetof(seccomp_data, nr)) return "nr";
  if (offset == offsetof(seccomp_data, arch)) return "arch";
  constexpr std::uint32_t kFirst = offsetof(seccomp_data, args);
  if (offset < kFirst) return "ip + " + std::to_string(offset - offsetof(seccomp_data, instruction_pointer));
  const std::uint32_t argument = (offset - kFirst) / 8;
  return "args[" + std::to_string(argument) + "]" + ((offset - kFirst) % 8 == 0 ? " low" : " high");
}

std::string text_of(const sock_filter& instruction, std::size_t at) {
  const auto& [code, jt, jf, k] = instruction;
  switch (BPF_CLASS(code)) {
    case BPF_LD:
      return "ld [" + std::to_string(k) + "]  ; " + field(k);
    case BPF_RET:
      return "ret " + hex(k) + "  ; " + describe_return(k);
    case BPF_ALU:
      return (BPF_OP(code) == BPF_AND ? "and " : "alu ") + hex(k);
    default:
      break;
  }
  if (BPF_OP(code) == BPF_JA) return "jmp " + label(at + 1 + k);
  const char* name = BPF_OP(code) == BPF_JEQ   ? "jeq "
                     : BPF_OP(code) == BPF_JGT ? "jgt "
                     : BPF_OP(code) == BPF_JGE ? "jge "
                                               : "jset ";
  return name + hex(k) + ", " + label(at + 1 + jt) + ", " + label(at + 1 + jf);
}

}  // namespace

std::string disassemble(std::span<const sock_filter> program) {
  std::string text;
  for (std::size_t at = 0; at < program.size(); ++at)
    text += label(at) + ": " + text_of(program[at], at) + "\n";
  return text;
}

}  // namespace herd::seccomp

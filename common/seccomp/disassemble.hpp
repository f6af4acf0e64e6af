// A filter as text, instruction by instruction, in the words of bpf_dbg and the kernel's documentation.
#pragma once

#include <linux/filter.h>

#include <span>
#include <string>

namespace herd::seccomp {

/// "l5: jge #0x30, l7, l6"; a line each. Loads name the field of seccomp_data, returns the action.
std::string disassemble(std::span<const sock_filter> program);

}  // namespace herd::seccomp

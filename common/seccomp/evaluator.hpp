// An interpreter of classic BPF as the kernel runs it for seccomp. It accepts exactly the programs that the
// kernel accepts (net/core/filter.c bpf_check_classic, kernel/seccomp.c seccomp_check_filter).
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/error.hpp"

namespace herd::seccomp {

/// BPF_MAXINSNS: the kernel takes no longer filter.
inline constexpr std::size_t kMaxInstructions = 4096;

/// A program that was found valid; borrows its instructions.
class Evaluator {
 public:
  static Result<Evaluator> make(std::span<const sock_filter> program);
  [[nodiscard]] std::uint32_t run(const seccomp_data& data) const;

 private:
  explicit Evaluator(std::span<const sock_filter> program) : program_(program) {}
  std::span<const sock_filter> program_;
};

/// Validates, then runs once.
Result<std::uint32_t> evaluate(std::span<const sock_filter> program, const seccomp_data& data);

}  // namespace herd::seccomp

// BPF that finds a call by its number.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace herd::seccomp {

/// The numbers from `first` up to the next run's first get to this code, which always returns.
struct NumberRun {
  std::uint32_t first = 0;
  std::vector<sock_filter> code;
};

/// A binary search over the runs. They are sorted and begin with number 0; the last one goes up to the
/// highest number. Entered with the call's number in the accumulator; always returns.
std::vector<sock_filter> emit_call_tree(const std::vector<NumberRun>& runs);

}  // namespace herd::seccomp

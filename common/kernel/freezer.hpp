// Holding a cgroup's processes still, and letting them run: cgroup.freeze on v2 (Linux 5.2), the freezer
// controller on v1. What is frozen on v1 does not even die, so whoever freezes sees to it that it is thawed.
#pragma once

#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

class Freezer {
 public:
  Freezer() = default;  // of nothing: is_there() is false
  Freezer(UniqueFd file, bool is_v2) : file_(std::move(file)), is_v2_(is_v2) {}

  [[nodiscard]] bool is_there() const { return static_cast<bool>(file_); }
  /// Returns at once; the processes stop as soon as each is about to run its own code again. ENODEV: the
  /// cgroup is gone.
  [[nodiscard]] Status freeze() const { return write(is_v2_ ? "1" : "FROZEN"); }
  [[nodiscard]] Status thaw() const { return write(thaw_word()); }
  /// For another process that is to thaw it: write the word to the file.
  [[nodiscard]] int file() const { return file_.get(); }
  [[nodiscard]] std::string_view thaw_word() const { return is_v2_ ? "0" : "THAWED"; }

 private:
  [[nodiscard]] Status write(std::string_view word) const;
  UniqueFd file_;
  bool is_v2_ = true;
};

}  // namespace herd::kernel

// What a command asked of the kernel, gathered call by call. No process here: a function of what was seen.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/record/arguments.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::record {

/// Of one call. One more, and its arguments are left open.
inline constexpr std::size_t kMaxAlternatives = 64;
/// Numbers without a name that are told of.
inline constexpr std::size_t kMaxUnknownNumbers = 16;

struct Call {
  std::uint64_t count = 0;
  /// Allowed whatever its arguments; else as one of `alternatives` says.
  bool is_open = false;
  bool had_too_many = false;
  /// Conditions that all hold -> the flags that were set then (LookedAt::flags).
  std::map<std::vector<Condition>, std::uint64_t> alternatives;
};

class Recording {
 public:
  enum class Arguments { looked_at, ignored };
  enum class Answer { go_on, no_such_syscall };

  explicit Recording(Arguments arguments, seccomp::Arch arch = seccomp::native_arch());
  // Its index points into itself.
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// Notes a call, and says what the one who made it shall get. Calls of a foreign architecture or of x32,
  /// and numbers without a name, are counted but not among calls(): a filter lets none of them through.
  Answer add(const seccomp_data& data);
  /// What an earlier recording allowed.
  void allow(const std::string& name, const std::vector<Condition>& conditions);

  /// By name; without those that are unfilterable.
  [[nodiscard]] const std::map<std::string, Call>& calls() const { return calls_; }
  [[nodiscard]] bool has(const std::string& name) const { return calls_.contains(name); }
  [[nodiscard]] seccomp::Arch arch() const { return arch_; }
  /// All that add() was told of.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t foreign() const { return foreign_; }
  [[nodiscard]] std::uint64_t x32() const { return x32_; }
  [[nodiscard]] const std::set<int>& unknown_numbers() const { return unknown_numbers_; }
  /// Unfilterable calls that were asked for.
  [[nodiscard]] const std::set<std::string>& refused() const { return refused_; }

 private:
  struct Entry {
    std::string name;  // empty: no call has this number
    const LookedAt* looked_at = nullptr;
    bool is_unfilterable = false;
    Call* call = nullptr;  // null: not seen yet
  };
  Call& call_named(const std::string& name);
  static void add_alternative(Call& call, std::vector<Condition> conditions, std::uint64_t flags);

  Arguments arguments_;
  seccomp::Arch arch_;
  std::uint32_t audit_arch_;
  std::vector<Entry> entries_;  // by number
  std::map<std::string, Call> calls_;
  std::uint64_t total_ = 0, foreign_ = 0, x32_ = 0;
  std::set<int> unknown_numbers_;
  std::set<std::string> refused_;
};

}  // namespace herd::record

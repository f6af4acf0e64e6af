// Where a profile came from, as it stands in the comment of its first rule: OCI has no other place for it.
//
//   recorded by herdctl seccomp record: 2 runs, 1234 calls; 2026-01-02T03:04:05Z, herd 0.1.0, Linux 6.1.0,
//   x86_64, 617 calls: ls -l /; 2026-01-02T03:03:10Z, ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herd::record {

/// Older runs are cut off.
inline constexpr std::size_t kMaxHistory = 2000;
inline constexpr std::size_t kMaxCommandText = 200;

struct Provenance {
  std::string name;
  std::uint64_t runs = 0;
  std::uint64_t calls = 0;
  std::string history;  // the newest run first

  [[nodiscard]] std::string to_text() const;
  /// Of a comment that is none of ours: no runs, no history.
  static Provenance parse(std::string_view comment);
  void add(const Provenance& earlier);
};

struct Run {
  std::string time, herd, kernel, arch;
  std::uint64_t calls = 0;
  std::vector<std::string> command;
};
Provenance provenance_of(const Run& run);

}  // namespace herd::record

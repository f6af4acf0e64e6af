// From the denials that a daemon has seen to what a profile would have to allow.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "protocol/control/messages.hpp"

namespace herd::cli {

struct Suggestion {
  enum class Advice {
    allow,      // an ordinary call
    think,      // dangerous
    leave,      // programs fall back from it
    impossible  // of an architecture that gets no filter
  };
  Advice advice = Advice::allow;
  std::string call, arch;
  std::uint64_t times = 0;
  std::set<std::string> programs;
  std::string opens;  // what allowing it opens up, or why to leave it
};
std::string_view name(Suggestion::Advice advice);

/// Takes what the daemon sent as it comes; what has another shape is passed over.
class Denials {
 public:
  void add_event(const protocol::Json& event);    // of type seccomp_denied
  void add_worker(const protocol::Json& worker);  // a record, with last_denials
  /// The most frequent first.
  [[nodiscard]] std::vector<Suggestion> suggestions() const;

 private:
  struct Kind {
    std::string worker, call, arch, action, program;
    auto operator<=>(const Kind&) const = default;
  };
  void add(const std::string& worker, const protocol::Json& denial, const char* count);
  std::map<Kind, std::uint64_t> counts_;  // a worker's record and its events tell of the same calls
};

}  // namespace herd::cli

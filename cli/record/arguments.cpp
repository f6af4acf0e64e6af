#include "cli/record/arguments.hpp"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>

namespace herd::record {
namespace {

constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
/// A socket's type without what is about its descriptor alone.
constexpr std::uint64_t kSocketType = kLow32 & ~static_cast<std::uint64_t>(SOCK_CLOEXEC | SOCK_NONBLOCK);

const std::vector<LookedAt>& table() {
  static const std::vector<LookedAt> kTable{
      {"clone", {{0, kNamespaces}}, std::nullopt},
      {"fcntl", {{1}}, std::nullopt},
      {"ioctl", {{1}}, std::nullopt},
      {"mmap", {{2}}, 3},
      {"mprotect", {{2}}, std::nullopt},
      {"personality", {{0}}, std::nullopt},
      {"prctl", {{0}}, std::nullopt},
      {"socket", {{0}, {1, kSocketType}, {2}}, std::nullopt},
      {"socketpair", {{0}}, std::nullopt},
  };
  return kTable;
}

}  // namespace

const LookedAt* looked_at(std::string_view call) {
  const auto found = std::ranges::find(table(), call, &LookedAt::call);
  return found == table().end() ? nullptr : &*found;
}

const std::vector<std::string_view>& unfilterable_calls() {
  static const std::vector<std::string_view> kCalls{"clone3", "io_uring_enter", "io_uring_register",
                                                    "io_uring_setup"};
  return kCalls;
}

bool is_unfilterable(std::string_view call) {
  return std::ranges::find(unfilterable_calls(), call) != unfilterable_calls().end();
}

}  // namespace herd::record

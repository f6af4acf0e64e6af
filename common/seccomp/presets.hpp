// The profiles that are built in, by name.
//
//   worker   What ordinary servers need: C and C++, Python, Node, Go, threads, subprocesses, unix and
//   internet sockets.
//            Not: anything that reaches other processes, the kernel's set-up, mounts, namespaces, keys,
//            tracing, bpf.
#pragma once

#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

std::vector<std::string_view> preset_names();
/// The error names those that there are.
Result<Profile> preset(std::string_view name);

}  // namespace herd::seccomp

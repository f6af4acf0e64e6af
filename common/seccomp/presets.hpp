// The profiles that are written here, by name.
//
//   worker          What ordinary servers need: C and C++, Python, Node, Go, threads, subprocesses, unix and
//                   internet sockets. Not: anything that reaches other processes, the kernel's set-up,
//                   mounts, namespaces, keys, tracing, bpf.
//   strict          What a program needs that serves what it is handed: files, memory, threads, the sockets
//                   that it has. No sockets of its own but unix ones that neither connect nor listen, no
//                   processes, no queues, no change of ids, limits of scheduling or its sandbox.
//   network         `worker`, and netlink of every protocol and packet sockets.
//   deny-dangerous  Everything but the calls behind most escapes: for opaque programs.
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

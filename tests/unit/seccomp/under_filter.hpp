// Runs code in a child process that has put a filter on itself.
#pragma once

#include <linux/filter.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/seccomp/install.hpp"

namespace herd::seccomp::test {

/// How a child ended.
struct End {
  int exit_code = -1;  // -1: it did not exit
  int signal = 0;
};

/// The exit code is what `body` returns; 125: the filter could not be installed (said on stderr).
End run_under(std::span<const sock_filter> program, const std::function<int()>& body,
              const InstallOptions& options = {});
/// Without any filter.
End run_plain(const std::function<int()>& body);
/// Executes a program found in PATH under the filter; its output is the test's.
End exec_under(std::span<const sock_filter> program, const std::vector<std::string>& command);
bool has_program(const std::string& name);

/// The errno of a raw syscall, 0 where it succeeded.
int raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

}  // namespace herd::seccomp::test

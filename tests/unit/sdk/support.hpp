// What the tests of the SDK share: a filter is for good and the environment is the process's, so every case
// runs in a child of its own.
#pragma once

#include <linux/filter.h>

#include <functional>
#include <string>
#include <vector>

namespace herd::sdk_test {

/// Runs `body` in a forked child; its text comes back. "signal N" where the child was killed.
std::string in_child(const std::function<std::string()>& body);

/// Removes every variable of herd's and systemd's contract from the environment.
void clear_environment();

/// getppid fails with EPERM, everything else is allowed.
std::vector<sock_filter> deny_getppid();
/// getppid waits for an answer.
std::vector<sock_filter> ask_about_getppid();
std::vector<sock_filter> allow_all();

enum class Sealed { no, all_but_grow, yes };
/// A memfd with `size` bytes of `data`.
int memfd_with(const void* data, std::size_t size, Sealed sealed = Sealed::yes);
int memfd_with(const std::vector<sock_filter>& filter);

/// HERD_WORKER_ID, HERD_SECCOMP_PROFILE and HERD_SECCOMP_FD as herd sets them.
void set_contract(const std::string& policy, int fd);

/// Installs `filter` in the calling thread alone.
bool install_alone(const std::vector<sock_filter>& filter);

/// "EPERM" or "allowed".
std::string try_getppid();

/// The value of a field of /proc/thread-self/status.
std::string status_field(const std::string& field);

}  // namespace herd::sdk_test

#include "common/kernel/process.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>

#include "common/kernel/files.hpp"

namespace herd::kernel {
namespace {

/// The rest of the line that begins with `key` and a colon, without leading blanks.
std::optional<std::string_view> field(std::string_view text, std::string_view key) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ':') {
      line.remove_prefix(key.size() + 1);
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      return line;
    }
    at = end + 1;
  }
  return std::nullopt;
}

/// Nothing where anything else stands between them.
template <typename Number>
std::optional<std::vector<Number>> numbers(std::string_view text, int base) {
  std::vector<Number> result;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty()) return result;
    Number value{};
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    if (error != std::errc{} || (!text.empty() && text.front() != ' ' && text.front() != '\t'))
      return std::nullopt;
    result.push_back(value);
  }
}

template <typename Number>
Status read_number(std::string_view text, std::string_view key, int base, Number& into) {
  const auto found = field(text, key);
  const auto values = found ? numbers<Number>(*found, base) : std::nullopt;
  if (!values || values->size() != 1) return fail("no '" + std::string(key) + "' in the process's status");
  into = values->front();
  return {};
}

}  // namespace

Status send_signal(int pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0)
    return fail_errno("signal " + std::to_string(signal));
  return {};
}

Result<pid_t> pid_of(int pidfd) {
  HERD_TRY(const std::string text, read_record("/proc/self/fdinfo/" + std::to_string(pidfd)));
  pid_t pid = -1;
  HERD_CHECK(read_number(text, "Pid", 10, pid));
  if (pid <= 0) return fail_errno("pid of a pidfd", ESRCH);
  return pid;
}

Result<std::vector<int>> processes_in_namespace_of(int pidfd) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto namespace_of = [&error](const std::string& pid) {
    return fs::read_symlink("/proc/" + pid + "/ns/pid", error).string();
  };
  HERD_TRY(const pid_t first, pid_of(pidfd));
  const std::string wanted = namespace_of(std::to_string(first));
  if (error) return fail_errno("pid namespace of " + std::to_string(first), error.value());
  std::vector<int> found;
  for (auto entry = fs::directory_iterator("/proc", error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    int pid = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (problem != std::errc{} || end != name.data() + name.size()) continue;
    std::error_code gone_or_not_ours;
    if (fs::read_symlink(entry->path() / "ns/pid", gone_or_not_ours) == wanted) found.push_back(pid);
  }
  if (error) return fail_errno("list '/proc'", error.value());
  return found;
}

bool is_alive(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return poll(&entry, 1, 0) == 0;
}

bool is_ending(pid_t pid) {
  constexpr std::string_view kSeccompDead = "3";  // SECCOMP_MODE_DEAD, Linux 5.16
  const auto text = read_record("/proc/" + std::to_string(pid) + "/status");
  if (!text) return text.error().errno_value == ENOENT || text.error().errno_value == ESRCH;
  const auto state = field(*text, "State");
  return !state || state->starts_with('Z') || state->starts_with('X') ||
         field(*text, "Seccomp") == kSeccompDead;
}

Result<ProcessStatus> parse_status(const std::string& text) {
  ProcessStatus status;
  const auto ids = [&](std::string_view key, std::vector<std::uint32_t>& into) -> Status {
    const auto found = field(text, key);
    auto values = found ? numbers<std::uint32_t>(*found, 10) : std::nullopt;
    if (!values) return fail("no '" + std::string(key) + "' in the process's status");
    into = std::move(*values);
    return {};
  };
  HERD_CHECK(ids("Uid", status.uids));
  HERD_CHECK(ids("Gid", status.gids));
  HERD_CHECK(ids("Groups", status.groups));
  if (status.uids.size() != 4 || status.gids.size() != 4) return fail("no ids in the process's status");
  int no_new_privs = 0;
  HERD_CHECK(read_number(text, "NoNewPrivs", 10, no_new_privs));
  status.no_new_privs = no_new_privs == 1;
  HERD_CHECK(read_number(text, "Seccomp", 10, status.seccomp_mode));
  HERD_CHECK(read_number(text, "Seccomp_filters", 10, status.seccomp_filters));
  HERD_CHECK(read_number(text, "CapInh", 16, status.cap_inheritable));
  HERD_CHECK(read_number(text, "CapPrm", 16, status.cap_permitted));
  HERD_CHECK(read_number(text, "CapEff", 16, status.cap_effective));
  HERD_CHECK(read_number(text, "CapBnd", 16, status.cap_bounding));
  HERD_CHECK(read_number(text, "CapAmb", 16, status.cap_ambient));
  return status;
}

Result<ProcessStatus> read_status(int proc, const std::string& path) {
  HERD_TRY(const std::string text, read_record(path, proc));
  return parse_status(text);
}

}  // namespace herd::kernel

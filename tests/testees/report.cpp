// The report's keys:
//   pid ppid sid pgid cwd hostname umask nice personality oom_score_adj securebits dumpable pdeathsig  cgroup
//   (text) uid gid ([real, effective, saved, fs]) groups fds {number: target}   environment [NAME=value]
//   affinity [cpu]   interfaces [name] rlimits {NAME: [soft, hard]}, where null is unlimited status {field:
//   value} of /proc/self/status: SigBlk SigIgn SigCgt CapInh .. CapAmb NoNewPrivs Seccomp ... session_keyring
//   (serial, or the errno's name)   secret_key (of looking for the key 'herd-test-secret' in it)   mountinfo
//   [line]   writable_mounts [directory] probes {name: result}, see probes.cpp
#include "tests/testees/report.hpp"

#include <dirent.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/testees/probes.hpp"
#include "tests/testees/support.hpp"

namespace testee {

namespace {

using nlohmann::json;

constexpr struct {
  const char* name;
  int resource;
} kRlimits[] = {{"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},         {"CPU", RLIMIT_CPU},
                {"DATA", RLIMIT_DATA},       {"FSIZE", RLIMIT_FSIZE},       {"LOCKS", RLIMIT_LOCKS},
                {"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
                {"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},       {"RSS", RLIMIT_RSS},
                {"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},     {"SIGPENDING", RLIMIT_SIGPENDING},
                {"STACK", RLIMIT_STACK}};

json lines_of(const std::string& text) {
  auto lines = json::array();
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string link_target(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size < 0 ? errno_name(errno) : std::string(target, static_cast<std::size_t>(size));
}

/// All but the directory's own.
json open_fds() {
  auto fds = json::object();
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return errno_name(errno);
  while (const dirent* entry = ::readdir(directory)) {
    const std::string number = entry->d_name;
    if (number == "." || number == ".." || number == std::to_string(::dirfd(directory))) continue;
    fds[number] = link_target("/proc/self/fd/" + number);
  }
  ::closedir(directory);
  return fds;
}

json rlimits() {
  auto limits = json::object();
  for (const auto& [name, resource] : kRlimits) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    const auto value = [](rlim_t number) { return number == RLIM_INFINITY ? json(nullptr) : json(number); };
    limits[name] = json::array({value(limit.rlim_cur), value(limit.rlim_max)});
  }
  return limits;
}

json affinity() {
  auto cpus = json::array();
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return errno_name(errno);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

json numbers(const std::string& text) {
  auto list = json::array();
  std::istringstream stream(text);
  for (long number; stream >> number;) list.push_back(number);
  return list;
}

json interfaces() {
  auto names = json::array();
  std::istringstream stream(text_of("/proc/self/net/dev"));
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t start = line.find_first_not_of(' ');
    if (colon != std::string::npos) names.push_back(line.substr(start, colon - start));
  }
  return names;
}

/// mountinfo writes a blank, a tab, a line's end and a backslash as \ and three octal digits.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

json writable_mounts(const std::string& mountinfo) {
  auto directories = json::array();
  std::istringstream stream(mountinfo);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, directory;
    fields >> id >> parent >> device >> root >> directory;
    directory = unescape(directory);
    struct statvfs about {};
    if (::statvfs(directory.c_str(), &about) == 0 && (about.f_flag & ST_RDONLY) == 0)
      directories.push_back(directory);
  }
  return directories;
}

json environment() {
  auto lines = json::array();
  for (char** entry = environ; *entry != nullptr; ++entry) lines.push_back(*entry);
  return lines;
}

std::string working_directory() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) == nullptr ? errno_name(errno) : path;
}

json session_keyring() {
  const long serial = ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
  return serial < 0 ? json(errno_name(errno)) : json(serial);
}

std::string finds_secret_key() {
  return outcome(
      ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "herd-test-secret", 0));
}

/// The signal that it gets when the thread that made it ends.
int death_signal() {
  int signal = -1;
  ::prctl(PR_GET_PDEATHSIG, &signal);
  return signal;
}

int current_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return static_cast<int>(mask);
}

}  // namespace

std::map<std::string, std::string> status_of(const std::string& path) {
  std::map<std::string, std::string> fields;
  std::istringstream stream(text_of(path));
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, colon)] = start == std::string::npos ? "" : line.substr(start);
  }
  return fields;
}

std::string report() {
  const auto status = status_of("/proc/self/status");
  const auto field = [&status](const char* name) { return status.contains(name) ? status.at(name) : ""; };
  const std::string mountinfo = text_of("/proc/self/mountinfo");
  char hostname[HOST_NAME_MAX + 1] = "";
  ::gethostname(hostname, sizeof hostname);

  json about;
  about["fds"] = open_fds();
  about["pid"] = ::getpid();
  about["ppid"] = ::getppid();
  about["sid"] = ::getsid(0);
  about["pgid"] = ::getpgrp();
  about["cwd"] = working_directory();
  about["hostname"] = hostname;
  about["umask"] = current_umask();
  about["nice"] = ::getpriority(PRIO_PROCESS, 0);
  about["personality"] = ::personality(0xffffffff);
  about["oom_score_adj"] = std::atoi(text_of("/proc/self/oom_score_adj").c_str());
  about["securebits"] = ::prctl(PR_GET_SECUREBITS);
  about["dumpable"] = ::prctl(PR_GET_DUMPABLE);
  about["pdeathsig"] = death_signal();
  about["cgroup"] = text_of("/proc/self/cgroup");
  about["uid"] = numbers(field("Uid"));
  about["gid"] = numbers(field("Gid"));
  about["groups"] = numbers(field("Groups"));
  about["environment"] = environment();
  about["affinity"] = affinity();
  about["interfaces"] = interfaces();
  about["rlimits"] = rlimits();
  about["status"] = status;
  about["session_keyring"] = session_keyring();
  about["secret_key"] = finds_secret_key();
  about["mountinfo"] = lines_of(mountinfo);
  about["writable_mounts"] = writable_mounts(mountinfo);
  about["probes"] = run_probes();
  return about.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace testee

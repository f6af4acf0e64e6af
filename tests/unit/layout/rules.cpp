#include "tests/unit/layout/rules.hpp"

#include <algorithm>

namespace herd::layout {
namespace {

/// Headers of the libraries; any other name with a ".h" is libc's or the kernel's.
constexpr std::string_view kLibraries[] = {"boost/",      "nlohmann/", "spdlog/", "CLI/",
                                           "prometheus/", "seccomp.h", "tl/",     "sys/capability.h",
                                           "herd/",       "sodium.h"};

struct Include {
  std::string_view name;
  bool is_own = false;  // in quotes
};

std::optional<Include> parse(std::string_view line) {
  const auto skip_blanks = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  for (const std::string_view word : {"#", "include"}) {
    skip_blanks();
    if (!line.starts_with(word)) return std::nullopt;
    line.remove_prefix(word.size());
  }
  skip_blanks();
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return std::nullopt;
  const bool is_own = line.front() == '"';
  const std::size_t end = line.find(is_own ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{line.substr(1, end - 1), is_own};
}

std::string_view directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash);
}

bool contains(const std::vector<std::string_view>& list, std::string_view what) {
  return std::ranges::find(list, what) != list.end();
}

bool is_excepted(std::string_view file, std::string_view include) {
  return std::ranges::any_of(exceptions(), [&](const Exception& exception) {
    return exception.file == file && exception.include == include;
  });
}

/// The library that a header belongs to; empty: the standard library, libc or the kernel.
std::string_view library_of(std::string_view header) {
  for (const std::string_view library : kLibraries)
    if (header.starts_with(library)) return library;
  return "";
}

bool is_allowed(const Folder& folder, const Include& include) {
  if (include.is_own) {
    const std::string_view target = directory_of(include.name);
    return target == folder.path || contains(folder.folders, target);
  }
  if (const std::string_view library = library_of(include.name); !library.empty())
    return contains(folder.libraries, library);
  return folder.uses_system || !include.name.ends_with(".h");
}

/// What a worker links stands alone, and its files are found by its own paths.
bool is_allowed_in_sdk(const Include& include) {
  if (include.name == "herd/worker.h" || include.name == "internal.h") return true;
  return !include.is_own && library_of(include.name).empty();
}

}  // namespace

const std::vector<Exception>& exceptions() {
  static const std::vector<Exception> kExceptions{};
  return kExceptions;
}

const std::vector<Folder>& folders() {
  static const std::vector<Folder> kFolders{
      // Linked into the static herd-exec too, so without Asio and libseccomp.
      {"common", {}, {"tl/", "spdlog/"}},
      {"common/kernel", {"common"}, {}},
      {"common/seccomp", {"common", "common/kernel"}, {"seccomp.h"}},
      {"config", {"common", "common/kernel", "common/seccomp"}, {"nlohmann/", "tl/", "sys/capability.h"}},
      {"protocol/worker", {}, {}, false},
      {"protocol/launch", {"common"}, {"nlohmann/"}},
      {"protocol/run", {"common"}, {"nlohmann/"}},
      {"protocol/gateway", {"common"}, {"nlohmann/"}},
      {"protocol/control", {"common"}, {"boost/", "nlohmann/"}},
      // Decides and does nothing: no Asio, no JSON, no system call.
      {"daemon/pool", {"common", "config"}, {}, false},
      {"daemon/exec",
       {"common", "common/kernel", "common/seccomp", "protocol/launch", "protocol/worker"},
       {"tl/"}},
      {"daemon/denials", {"common", "common/kernel", "common/seccomp"}, {"boost/"}},
      {"daemon/worker",
       {"common", "common/kernel", "common/seccomp", "config", "protocol/launch", "protocol/worker",
        "daemon/denials"},
       {"boost/", "nlohmann/", "sys/capability.h"}},
      {"daemon/control", {"common", "config", "protocol/control"}, {"boost/", "nlohmann/", "tl/"}},
      // Strict HTTP/1.1, as bytes: knows neither sockets nor herd.
      {"daemon/gateway/http", {}, {}, false},
      // An event loop of its own: no Asio.
      {"daemon/gateway",
       {"common", "common/kernel", "protocol/control", "protocol/gateway", "daemon/gateway/http"},
       {"nlohmann/", "herd/", "sodium.h"}},
      // Where all is wired together.
      {"daemon/herdd",
       {"common", "common/kernel", "common/seccomp", "config", "protocol/control", "protocol/launch",
        "protocol/run", "protocol/gateway", "daemon/pool", "daemon/denials", "daemon/worker",
        "daemon/control"},
       {"boost/", "nlohmann/", "prometheus/", "CLI/"}},
      // Does what herd-exec does, to see whether it can be done.
      {"cli/doctor", {"common", "common/kernel", "common/seccomp"}, {"tl/"}},
      // A process's calls, watched from outside.
      {"cli/record", {"common", "common/kernel", "common/seccomp", "config"}, {"CLI/", "nlohmann/", "tl/"}},
      {"cli",
       {"common", "common/kernel", "common/seccomp", "config", "protocol/control", "protocol/run",
        "cli/doctor", "cli/record"},
       {"CLI/", "nlohmann/", "boost/"}},
  };
  return kFolders;
}

std::optional<std::string> problem_with(std::string_view file, std::string_view line) {
  const auto include = parse(line);
  if (!include) return std::nullopt;
  if (file.starts_with("sdk/")) {
    if (is_allowed_in_sdk(*include)) return std::nullopt;
    return "the SDK uses nothing but libc and the standard library, not " + std::string(include->name);
  }
  const auto folder = std::ranges::find(folders(), directory_of(file), &Folder::path);
  if (folder == folders().end()) return "this folder has no row in tests/unit/layout/rules.cpp";
  if (is_allowed(*folder, *include) || is_excepted(file, include->name)) return std::nullopt;
  return std::string(folder->path) + " may not include " + std::string(include->name);
}

}  // namespace herd::layout

// Reads herd.json and all pool files: either everything is right, or every issue of every file is returned.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/daemon_spec.hpp"
#include "config/host.hpp"
#include "config/issue.hpp"
#include "config/pool_spec.hpp"

namespace herd::config {

struct Loaded {
  DaemonSpec daemon;
  std::vector<PoolSpec> pools;  // sorted by name
};

/// More files than this in the pools directory are refused.
constexpr std::size_t kMaxPools = 1000;

[[nodiscard]] tl::expected<Loaded, std::vector<Issue>> load(const std::string& herd_json_path,
                                                            const HostFacts& facts);

/// `file` stands in messages, and its directory is where a relative pools_directory begins; nothing is
/// opened.
[[nodiscard]] tl::expected<DaemonSpec, std::vector<Issue>> read_daemon(std::string_view text,
                                                                       const std::string& file,
                                                                       const HostFacts& facts);
[[nodiscard]] tl::expected<PoolSpec, std::vector<Issue>> read_pool(std::string_view text,
                                                                   const std::string& file,
                                                                   const std::string& name,
                                                                   const HostFacts& facts);

}  // namespace herd::config

// From a pool's definition to one worker's launch plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/user_namespace.hpp"
#include "config/pool_spec.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::worker {

/// What is this worker's alone.
struct PlanParts {
  std::string worker;                 // its id
  std::uint32_t auto_uid = 0;         // used where sandbox.user is "auto"
  std::optional<std::uint16_t> port;  // listen: port; with a network of its own it has a relay
  bool has_listener = false;          // a socket is handed over
  std::string notify_path_on_host;    // used where there is no mount namespace
};

/// Errors: a user that is unknown or that the daemon, whose ids are `ids`, can't make anybody; a limit that
/// the daemon itself may not have. With `left_out` it notes a part of the sandbox that can't be had there
/// instead (sandbox.required: false).
Result<launch::Plan> build_plan(const config::PoolSpec& pool, const PlanParts& parts,
                                std::vector<std::string>* left_out = nullptr, const kernel::OwnIds& ids = {});

/// "${PORT}" "${WORKER_ID}" "${POOL}" in `text`.
std::string expand(std::string text, const config::PoolSpec& pool, const PlanParts& parts);

const char* policy_word(config::SeccompPolicy policy);

}  // namespace herd::worker

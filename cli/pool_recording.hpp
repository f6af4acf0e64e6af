// A recording in a pool's sandbox: herdd runs the command, the calls are answered and noted here.
#pragma once

#include "cli/context.hpp"
#include "cli/record/supervisor.hpp"

namespace herd::cli {

/// `exit_code` is set where nothing was recorded.
Result<record::Outcome> record_in_pool(Context& context, const std::string& pool, const record::Order& order,
                                       record::Recording& recording, int& exit_code);

}  // namespace herd::cli

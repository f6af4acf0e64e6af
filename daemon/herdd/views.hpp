// The JSON shapes of the control API (their list is in daemon/control/service.hpp).
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/reason.hpp"
#include "config/pool_spec.hpp"
#include "daemon/denials/history.hpp"
#include "daemon/pool/pool.hpp"
#include "daemon/worker/worker.hpp"

namespace herd::daemon {

using Json = nlohmann::json;

/// RFC 3339 in UTC with milliseconds.
std::string wall_time(std::chrono::system_clock::time_point time);
/// A steady time as wall time, by how long ago it was.
std::string wall_time(pool::Time time, pool::Time now);

Json to_json(const Reason& reason);
/// What all events have; empty texts are null.
Json event_json(const std::string& type, const std::string& pool, const std::string& worker,
                const std::string& session);
Json to_json(const denials::History::Entry& entry);
/// Of that: "mount (x86_64), errno, by /usr/bin/python3, 3 times"
std::string describe_denial(const Json& entry, std::uint64_t count);
/// Into a worker's record: "last_denials", "denied_calls", "held_back".
void add_denials(Json& record, const denials::History& history);
/// "seen", or why not, in words.
std::string in_words(const denials::Visibility& visibility);
/// `notified`: the names of the pools that don't need the audit log.
Json to_json(const denials::Visibility& visibility, const Json& notified);
Json to_json(const std::vector<worker::Check>& checks, const std::vector<std::string>& left_out,
             bool verified);
struct DenialCounters;
Json pool_json(const pool::Pool& pool, const DenialCounters& denials, pool::Time now);
/// `acting`: null once the worker is gone from the driver.
Json worker_json(const std::string& pool, const pool::WorkerView& view, const worker::Worker* acting,
                 pool::Time now);
Json session_json(const std::string& pool, const pool::SessionView& view, const worker::Worker* acting,
                  pool::Time now);

/// What a pool file switches off or opens up, in words: shown in `status`, so that no weakening is hidden.
std::vector<std::string> weakenings(const config::PoolSpec& pool);

}  // namespace herd::daemon

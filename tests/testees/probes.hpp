// Things that a sandboxed process should not be able to do, tried for real.
#pragma once

#include <map>
#include <string>

namespace testee {

/// Each probe's name and "ok", the errno's name, or "signal N" where trying ended the process. Every one runs
/// in a child, and undoes what it managed to do.
std::map<std::string, std::string> run_probes();

}  // namespace testee

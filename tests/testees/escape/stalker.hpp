// Lies in wait for herd-exec, which sets other workers up.
#pragma once

#include <string>

namespace escape {

/// A process beside the worker that tries, until it is killed, to open the memory of every herd-exec that it
/// sees.
void start_stalking();
/// What it has found so far: {"seen", "got_through"}. JSON.
std::string stalked();

}  // namespace escape

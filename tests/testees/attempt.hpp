// Something tried in a child process, so that neither what it does nor how it ends stays with the testee.
#pragma once

#include <functional>
#include <string>

namespace testee {

/// What the attempt said, or "signal N" where trying ended the process.
std::string in_a_child(const std::function<std::string()>& attempt);

}  // namespace testee

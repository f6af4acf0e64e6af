// Single system calls that a filter has to stop, or answer in a certain way.
#pragma once

#include <map>
#include <string>

namespace testee {

/// Each call's name and what it gave, made in a child.
std::map<std::string, std::string> run_calls();

}  // namespace testee

// What a process can say about itself.
#pragma once

#include <map>
#include <string>

namespace testee {

/// One JSON object; report.cpp names its keys.
std::string report();

/// The fields of a /proc/.../status file.
std::map<std::string, std::string> status_of(const std::string& path);

}  // namespace testee

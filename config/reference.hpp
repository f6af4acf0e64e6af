// The field table as pages for people: docs/reference/pool-file.md and docs/reference/herd-json.md.
// A test holds the committed pages to these; run it with HERD_WRITE_REFERENCE=1 to write them anew.
#pragma once

#include <string>

namespace herd::config {

std::string pool_reference();
std::string daemon_reference();

}  // namespace herd::config

#include "tests/bench/place.hpp"

#include <unistd.h>

#include <filesystem>

#include "common/kernel/files.hpp"

namespace herd::bench {

namespace fs = std::filesystem;

Result<Place> Place::make(const std::string& programs, std::string peers) {
  Place place("/var/tmp/herd-bench-" + std::to_string(getpid()), std::move(peers));
  HERD_CHECK(kernel::make_directories(place.path_, 0755));
  for (const char* program : {"herdd", "herd-exec", "herd-gateway", "herdctl", "examples/echo-worker",
                              "bench/bench-worker", "bench/bench-http-worker"}) {
    const fs::path source = fs::path(programs) / program;
    std::error_code error;
    fs::copy_file(source, fs::path(place.path_) / source.filename(), error);
    if (error) return fail("copy '" + source.string() + "': " + error.message());
  }
  return place;
}

Place::~Place() {
  if (path_.empty()) return;
  std::error_code ignored;  // what is left lies under /var/tmp, named after this program
  fs::remove_all(path_, ignored);
}

}  // namespace herd::bench

#include "tests/bench/one_processor.hpp"

#include <filesystem>
#include <string>

namespace herd::bench {
namespace {

namespace fs = std::filesystem;

Status hold_threads(pid_t pid, const cpu_set_t& processors) {
  std::error_code error;
  for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    const pid_t id = std::stoi(thread.path().filename());
    if (sched_setaffinity(id, sizeof processors, &processors) != 0) return fail_errno("sched_setaffinity");
  }
  return error ? fail("threads of " + std::to_string(pid) + ": " + error.message()) : Status{};
}

}  // namespace

Result<OneProcessor> OneProcessor::hold(const std::vector<pid_t>& servers) {
  OneProcessor held;
  if (sched_getaffinity(0, sizeof held.before_, &held.before_) != 0) return fail_errno("sched_getaffinity");
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  for (const pid_t pid : servers) HERD_CHECK(hold_threads(pid, one));
  if (sched_setaffinity(0, sizeof one, &one) != 0) return fail_errno("sched_setaffinity");
  held.is_holder_ = true;
  return held;
}

OneProcessor::~OneProcessor() {
  if (is_holder_) sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace herd::bench

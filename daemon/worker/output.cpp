#include "daemon/worker/output.hpp"

#include <algorithm>
#include <utility>

namespace herd::worker {

std::size_t LineSplitter::feed(std::string_view bytes) {
  std::size_t lines = 0;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::size_t room = kMaxLine - line_.size();
    line_.append(part.substr(0, std::min(room, part.size())));
    cut_ = cut_ || part.size() > room;
    if (end == std::string_view::npos) break;
    emit();
    ++lines;
    bytes.remove_prefix(end + 1);
  }
  return lines;
}

void LineSplitter::finish() {
  if (!line_.empty() || cut_) emit();
}

void LineSplitter::emit() {
  sink_(std::exchange(line_, {}), std::exchange(cut_, false));
}

}  // namespace herd::worker

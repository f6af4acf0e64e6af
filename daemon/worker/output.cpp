#include "daemon/worker/output.hpp"

#include <algorithm>
#include <utility>

namespace herd::worker {

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::size_t room = kMaxLine - line_.size();
    line_.append(part.substr(0, std::min(room, part.size())));
    cut_ = cut_ || part.size() > room;
    if (end == std::string_view::npos) return;
    emit();
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::finish() {
  if (!line_.empty() || cut_) emit();
}

void LineSplitter::emit() {
  sink_(std::exchange(line_, {}), std::exchange(cut_, false));
}

}  // namespace herd::worker

#include "daemon/herdd/id_counter.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>

#include "common/kernel/files.hpp"
#include "common/log.hpp"

namespace herd::daemon {
namespace {
constexpr std::uint64_t kBlock = 1000;
}

Result<IdCounter> IdCounter::open(const std::string& file) {
  std::uint64_t reserved = 1;
  const auto text = kernel::read_file(file, 64);
  if (text) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), reserved);
    const std::string_view rest(end, static_cast<std::size_t>(text->data() + text->size() - end));
    const bool is_whole = error == std::errc{} && (rest.empty() || rest == "\n");
    if (!is_whole || reserved == 0 || reserved > std::numeric_limits<std::uint64_t>::max() - kBlock)
      return fail(
          "'" + file +
          "' holds no number; worker ids must not repeat, so write there one above the highest ever used");
  } else if (text.error().errno_value != ENOENT) {
    return tl::make_unexpected(text.error());
  }
  IdCounter counter(file, reserved);
  HERD_CHECK(counter.reserve());
  return counter;
}

Status IdCounter::reserve() {
  HERD_CHECK(kernel::replace_file(file_, std::to_string(reserved_ + kBlock) + "\n", 0600));
  reserved_ += kBlock;
  return {};
}

std::uint64_t IdCounter::next() {
  if (next_ == reserved_) {
    if (auto done = reserve(); !done) {
      log_warning("worker ids: " + done.error().message);
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
      from_clock_ = std::max(from_clock_ + 1, static_cast<std::uint64_t>(microseconds));
      return from_clock_;
    }
  }
  return next_++;
}

}  // namespace herd::daemon

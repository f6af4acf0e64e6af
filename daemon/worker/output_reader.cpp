#include "daemon/worker/output_reader.hpp"

#include <unistd.h>

#include <boost/asio.hpp>
#include <chrono>

#include "common/log.hpp"

namespace herd::worker {
namespace {

namespace asio = boost::asio;
using asio::as_tuple;
using asio::use_awaitable;

constexpr std::size_t kReadSize = 64 * 1024;
/// A worker that writes faster than this is held back a little instead of taking the daemon's loop.
constexpr int kReadsPerTurn = 4;
constexpr auto kPauseWhenBusy = std::chrono::milliseconds(10);

std::int64_t wall_microseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

OutputReader::OutputReader(asio::io_context& io, std::string pool, std::string worker)
    : pool_(std::move(pool)),
      worker_(std::move(worker)),
      ring_(std::make_shared<LogRing>(kMaxKeptLines, kMaxKeptBytes)),
      streams_{Stream{asio::posix::stream_descriptor(io), asio::steady_timer(io),
                      LineSplitter([this](std::string text, bool cut) { keep(false, std::move(text), cut); })},
               Stream{asio::posix::stream_descriptor(io), asio::steady_timer(io),
                      LineSplitter([this](std::string text, bool cut) { keep(true, std::move(text), cut); })}} {}

void OutputReader::start(UniqueFd stdout_pipe, UniqueFd stderr_pipe, std::shared_ptr<void> keep_alive) {
  streams_[0].pipe.assign(stdout_pipe.release());
  streams_[1].pipe.assign(stderr_pipe.release());
  for (Stream& stream : streams_)
    asio::co_spawn(stream.pipe.get_executor(), drain(*this, stream, keep_alive), log_failure("read a worker's output"));
}

asio::awaitable<void> OutputReader::drain(OutputReader& self, Stream& stream, std::shared_ptr<void> keep_alive) {
  const auto holder = std::move(keep_alive);
  while (true) {
    const auto [error] = co_await stream.pipe.async_wait(asio::posix::descriptor_base::wait_read, as_tuple(use_awaitable));
    if (error || !stream.pipe.is_open()) co_return;
    bool is_busy = false;
    if (!self.read_some(stream, is_busy)) {
      stream.splitter.finish();
      stream.pipe.close();
      co_return;
    }
    if (!is_busy) continue;
    stream.pause.expires_after(kPauseWhenBusy);
    co_await stream.pause.async_wait(as_tuple(use_awaitable));
    if (!stream.pipe.is_open()) co_return;
  }
}

bool OutputReader::read_some(Stream& stream, bool& is_busy) {
  static std::array<char, kReadSize> buffer;  // one loop, one thread: shared by all workers
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const ssize_t count = read(stream.pipe.native_handle(), buffer.data(), buffer.size());
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    stream.splitter.feed({buffer.data(), static_cast<std::size_t>(count)});
  }
  is_busy = true;
  return true;
}

void OutputReader::finish() {
  for (Stream& stream : streams_) {
    if (!stream.pipe.is_open()) continue;
    bool is_busy = true;
    while (is_busy) {
      is_busy = false;
      if (!read_some(stream, is_busy)) break;
    }
    stream.splitter.finish();
    stream.pause.cancel();
    stream.pipe.close();
  }
}

void OutputReader::keep(bool is_stderr, std::string text, bool cut) {
  LogLine line{wall_microseconds(), is_stderr, session_, std::move(text), cut};
  forward(line);
  const std::size_t bytes = sizeof line + line.text.size() + line.session.size();
  ring_->append(std::move(line), bytes);
}

void OutputReader::forward(const LogLine& line) {
  const std::int64_t second = line.time_us / 1'000'000;
  if (second != forward_second_) {
    if (not_forwarded_ > 0) log_output({pool_, worker_, session_, true}, std::to_string(not_forwarded_) + " lines of output not shown here (herdctl logs " + worker_ + ")");
    forward_second_ = second;
    forwarded_ = not_forwarded_ = 0;
  }
  if (forwarded_ >= kForwardedLinesPerSecond) {
    ++not_forwarded_;
    return;
  }
  ++forwarded_;
  log_output({pool_, worker_, session_, line.is_stderr}, line.text);
}

}  // namespace herd::worker

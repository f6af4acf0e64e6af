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

constexpr std::size_t kReadSize = 64 * 1024;  // a pipe's whole capacity
/// A pipe counts as full from here on: a line that does not fit into what is left of a page starts the next,
/// so a pipe that takes no more may hold little more than half of its capacity.
constexpr std::size_t kFull = kReadSize / 2;
/// A worker that fills its pipe faster than it is read is held back, by what its lines cost the daemon's
/// loop: some 0.15 us each, so that a flood of empty lines takes about 3% of it.
constexpr auto kPauseWhenBusy = std::chrono::milliseconds(5);
constexpr auto kPausePerLine = std::chrono::microseconds(5);

std::int64_t wall_microseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

OutputReader::OutputReader(asio::io_context& io, std::string pool, std::string worker)
    : pool_(std::move(pool)),
      worker_(std::move(worker)),
      ring_(std::make_shared<LogRing>(kMaxKeptLines, kMaxKeptBytes)),
      streams_{
          Stream{asio::posix::stream_descriptor(io), asio::steady_timer(io),
                 LineSplitter([this](std::string text, bool cut) { keep(false, std::move(text), cut); })},
          Stream{asio::posix::stream_descriptor(io), asio::steady_timer(io),
                 LineSplitter([this](std::string text, bool cut) { keep(true, std::move(text), cut); })}} {}

void OutputReader::start(UniqueFd stdout_pipe, UniqueFd stderr_pipe, std::shared_ptr<void> keep_alive) {
  streams_[0].pipe.assign(stdout_pipe.release());
  streams_[1].pipe.assign(stderr_pipe.release());
  for (Stream& stream : streams_)
    asio::co_spawn(stream.pipe.get_executor(), drain(*this, stream, keep_alive),
                   log_failure("read a worker's output"));
}

asio::awaitable<void> OutputReader::drain(OutputReader& self, Stream& stream,
                                          std::shared_ptr<void> keep_alive) {
  const auto holder = std::move(keep_alive);
  while (true) {
    const auto [error] =
        co_await stream.pipe.async_wait(asio::posix::descriptor_base::wait_read, as_tuple(use_awaitable));
    if (error || !stream.pipe.is_open()) co_return;
    std::size_t lines = 0;
    const Read read = self.read_some(stream, lines);
    if (read == Read::end) {
      stream.splitter.finish();
      stream.pipe.close();
      co_return;
    }
    // Who writes line by line must not wake the loop for each: a reader that is as fast would never pause.
    const auto now = std::chrono::steady_clock::now();
    const bool is_busy = read == Read::more || now - stream.last_read < kPauseWhenBusy;
    stream.last_read = now;
    if (!is_busy) continue;
    stream.pause.expires_after(kPauseWhenBusy + static_cast<int>(lines) * kPausePerLine);
    stream.parked = UniqueFd(stream.pipe.release());
    co_await stream.pause.async_wait(as_tuple(use_awaitable));
    if (!stream.parked) co_return;
    boost::system::error_code not_taken;
    stream.pipe.assign(stream.parked.get(), not_taken);
    if (not_taken) throw boost::system::system_error(not_taken, "go on with a worker's output");
    (void)stream.parked.release();
  }
}

OutputReader::Read OutputReader::read_some(Stream& stream, std::size_t& lines) {
  static std::array<char, kReadSize> buffer;  // one loop, one thread: shared by all workers
  const ssize_t count = read(stream.fd(), buffer.data(), buffer.size());
  if (count == 0) return Read::end;
  if (count < 0) return errno == EAGAIN || errno == EINTR ? Read::nothing_more_now : Read::end;
  lines = stream.splitter.feed({buffer.data(), static_cast<std::size_t>(count)});
  return static_cast<std::size_t>(count) >= kFull ? Read::more : Read::nothing_more_now;
}

void OutputReader::finish() {
  for (Stream& stream : streams_) {
    if (!stream.is_open()) continue;
    // What the pipe held when the worker ended, and not what somebody else who has it may go on writing.
    constexpr int kMostReads = 2;
    std::size_t lines = 0;
    for (int i = 0; i < kMostReads && read_some(stream, lines) == Read::more; ++i) {
    }
    stream.splitter.finish();
    stream.pause.cancel();
    stream.pipe.close();
    stream.parked.reset();
  }
  say_what_was_not_forwarded();
}

void OutputReader::keep(bool is_stderr, std::string text, bool cut) {
  LogLine line{wall_microseconds(), is_stderr, session_, std::move(text), cut};
  forward(line);
  const std::size_t bytes = sizeof line + line.text.size() + line.session.size();
  ring_->append(std::move(line), bytes);
}

void OutputReader::say_what_was_not_forwarded() {
  if (not_forwarded_ == 0) return;
  log_warning(
      std::to_string(not_forwarded_) + " lines of output not shown here (herdctl logs " + worker_ + ")",
      {pool_, worker_, session_});
  not_forwarded_ = 0;
}

void OutputReader::forward(const LogLine& line) {
  const std::int64_t second = line.time_us / 1'000'000;
  if (second != forward_second_) {
    say_what_was_not_forwarded();
    forward_second_ = second;
    forwarded_ = 0;
  }
  if (forwarded_ >= kForwardedLinesPerSecond) {
    ++not_forwarded_;
    return;
  }
  ++forwarded_;
  log_output({pool_, worker_, session_, line.is_stderr}, line.text);
}

}  // namespace herd::worker

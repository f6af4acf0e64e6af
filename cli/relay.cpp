#include "cli/relay.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/kernel/files.hpp"

namespace herd::cli {
namespace {

constexpr std::size_t kMostPending = 64 * 1024;
constexpr int kRestMs = 100;  // a terminal that nobody has open hangs up at once, each time it is asked

}  // namespace

void Relay::add_input(int from, UniqueFd to) {
  fcntl(to.get(), F_SETFL, fcntl(to.get(), F_GETFL) | O_NONBLOCK);
  const int number = to.get();
  channels_.push_back({from, number, std::move(to), true, true, false, {}});
}

void Relay::add_output(UniqueFd from, int to) {
  const int number = from.get();
  channels_.push_back({number, to, std::move(from), false, true, false, {}});
}

void Relay::read_some(Channel& channel) {
  std::array<char, 16384> buffer;
  const ssize_t count = read(channel.from, buffer.data(), buffer.size());
  if (count > 0) {
    channel.pending.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count < 0 && errno == EIO) {
    channel.rests = true;
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    channel.is_open = false;
  }
}

void Relay::write_some(Channel& channel) {
  const ssize_t count = write(channel.to, channel.pending.data(), channel.pending.size());
  if (count >= 0) {
    channel.pending.erase(0, static_cast<std::size_t>(count));
  } else if (errno != EINTR && errno != EAGAIN) {
    channel.is_open = false;  // nobody reads it any more
    channel.pending.clear();
  }
}

Status Relay::run(int done, int signals, const std::function<bool()>& on_signal) {
  while (true) {
    std::vector<pollfd> entries{{done, POLLIN, 0}, {signals, POLLIN, 0}};
    bool any_rests = false;
    for (Channel& channel : channels_) {
      if (!channel.is_open && channel.pending.empty()) channel.owned.reset();
      const bool reads = channel.is_open && !channel.rests && channel.pending.size() < kMostPending;
      entries.push_back({reads ? channel.from : -1, POLLIN, 0});
      entries.push_back({channel.pending.empty() ? -1 : channel.to, POLLOUT, 0});
      any_rests = any_rests || channel.rests;
    }
    const int count = poll(entries.data(), entries.size(), any_rests ? kRestMs : -1);
    if (count < 0 && errno != EINTR) return fail_errno("poll");
    if (count < 0) continue;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      channels_[i].rests = false;
      if (entries[2 + 2 * i].revents != 0) read_some(channels_[i]);
      if (entries[3 + 2 * i].revents != 0) write_some(channels_[i]);
    }
    if (entries[1].revents != 0 && !on_signal()) return {};
    if (entries[0].revents != 0) break;
  }
  // The command has ended, so nothing more is written: what is left is read to its end.
  for (Channel& channel : channels_) {
    if (channel.is_input) continue;
    pollfd left{channel.from, POLLIN, 0};
    while (channel.is_open && !channel.rests && poll(&left, 1, 0) > 0) read_some(channel);
    if (auto written = kernel::write_all(channel.to, channel.pending); !written) return written;
  }
  return {};
}

}  // namespace herd::cli

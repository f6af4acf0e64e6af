#include "daemon/gateway/line.hpp"

#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"

namespace herd::gateway {
namespace {

constexpr std::size_t kMaxSettings = 16U << 20;
// Herdd reads all the time; one that doesn't for so long is as good as gone.
constexpr std::size_t kMaxOutgoing = 100'000;

UniqueFd only_fd(kernel::Message& message) {
  return message.fds.empty() ? UniqueFd() : std::move(message.fds.front());
}

}  // namespace

Result<Settings> settings_of(const UniqueFd& memfd) {
  HERD_TRY(const std::string text, kernel::read_memfd(memfd.get(), kMaxSettings));
  return parse_settings(text);
}

Result<Settings> Line::read_settings() {
  HERD_TRY(kernel::Message message, kernel::receive_message(socket_.get(), true));
  if (message.text.empty()) return fail("herdd has closed the line");
  HERD_TRY(const ToGateway first, parse_to_gateway(message.text));
  if (!std::holds_alternative<Configure>(first) || message.fds.empty())
    return fail("the first message is not Configure");
  return settings_of(message.fds.front());
}

Status Line::open(OnMessage on_message, OnEnd on_end) {
  on_message_ = std::move(on_message);
  on_end_ = std::move(on_end);
  // Edge-triggered for EPOLLOUT's sake; what came before is told at once.
  return loop_.watch(socket_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
}

void Line::on_events(std::uint32_t events) {
  if (!socket_) return;
  if ((events & EPOLLOUT) != 0) flush();
  read();
}

void Line::read() {
  while (socket_) {
    auto message = kernel::receive_message(socket_.get(), false);
    if (!message && message.error().errno_value == EAGAIN) return;
    if (!message) return end(message.error().message);
    if (message->text.empty()) return end("herdd has closed the line");
    auto parsed = parse_to_gateway(message->text);
    if (!parsed) return end(parsed.error().message);
    on_message_(std::move(*parsed), only_fd(*message));
  }
}

void Line::send(const FromGateway& message, UniqueFd fd) {
  if (!socket_) return;
  outgoing_.push_back({to_json(message), std::move(fd)});
  if (outgoing_.size() == 1) return flush();
  if (outgoing_.size() > kMaxOutgoing) end("herdd does not read its line");
}

void Line::flush() {
  while (!outgoing_.empty()) {
    const Outgoing& next = outgoing_.front();
    const int fd = next.fd.get();
    const auto sent = fd < 0 ? kernel::send_message(socket_.get(), next.text)
                             : kernel::send_message(socket_.get(), next.text, std::span(&fd, 1));
    if (!sent && sent.error().errno_value == EAGAIN) return;
    // The end is read, after what herdd said before it.
    if (!sent) return outgoing_.clear();
    outgoing_.pop_front();
  }
}

void Line::end(const std::string& why) {
  loop_.unwatch(socket_.get());
  socket_.reset();
  outgoing_.clear();
  on_end_(why);
}

}  // namespace herd::gateway

#include "protocol/control/client.hpp"

#include <grp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>

#include "common/unique_fd.hpp"
#include "protocol/control/unix_socket.hpp"

namespace herd::protocol {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;
using Parser = http::response_parser<http::string_body>;
using Deadline = std::optional<Clock::time_point>;

constexpr std::size_t kMaxReply = 64U << 20;
constexpr std::size_t kMaxLine = 4U << 20;
constexpr std::size_t kReadSize = 16U << 10;

Deadline deadline_after(std::optional<Duration> timeout) {
  return timeout ? Deadline(Clock::now() + *timeout) : std::nullopt;
}

Status wait_for(int fd, short events, const Deadline& deadline) {
  for (;;) {
    int milliseconds = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      milliseconds = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
    }
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, milliseconds);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail_errno("poll");
    if (ready == 0 && deadline && Clock::now() >= *deadline)
      return fail_errno("no answer in time", ETIMEDOUT);
  }
}

/// Whoever can't get in wants to know which group opens the door.
std::string advice_for(int errno_value, const std::string& path) {
  if (errno_value == ENOENT || errno_value == ECONNREFUSED)
    return "; is it running? (systemctl status herd, or herdd --config FILE)";
  if (errno_value == EAGAIN) return "; it has more callers than it can take, try again";
  if (errno_value != EACCES && errno_value != EPERM) return "";
  struct stat status {};
  std::string group_name = "herd";
  if (stat(path.c_str(), &status) == 0) {
    const group* entry = getgrgid(status.st_gid);
    group_name = entry != nullptr ? entry->gr_name : std::to_string(status.st_gid);
  }
  return "; join the group '" + group_name + "' (usermod -aG " + group_name + " USER, then log in again)";
}

Result<UniqueFd> reach(const std::string& path) {
  auto fd = connect_unix(path);
  if (fd) return fd;
  const int value = fd.error().errno_value;
  if (value == 0) return fail("cannot reach herdd: " + fd.error().message);
  Error error = fail_errno("cannot reach herdd at " + path, value).value();
  error.message += advice_for(value, path);
  return tl::make_unexpected(std::move(error));
}

std::string render(const Request& request) {
  std::string text = request.method + " " + request.target +
                     " HTTP/1.1\r\nHost: herd\r\nUser-Agent: herdctl/" + HERD_VERSION + "\r\n";
  if (request.body.is_null()) {
    if (request.method != "GET") text += "Content-Length: 0\r\n";
    return text + "\r\n";
  }
  const std::string body = dump_line(request.body);
  return text + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

Reply head_of(const Parser& parser) {
  Reply reply;
  reply.status = parser.get().result_int();
  for (const auto& field : parser.get())
    reply.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return reply;
}

void take_body(Reply& reply, std::string text) {
  reply.text = std::move(text);
  if (reply.header("Content-Type").starts_with(kJsonType)) {
    reply.body = Json::parse(reply.text, nullptr, false);
    if (reply.body.is_discarded()) reply.body = nullptr;
  }
}

/// One connection: what was read and not yet parsed stays in `input`.
class Channel {
 public:
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }

  Status write(std::string_view text, const Deadline& deadline) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        text.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        HERD_CHECK(wait_for(fd_.get(), POLLOUT, deadline));
      } else if (errno != EINTR) {
        return fail_errno("send to herdd");
      }
    }
    return {};
  }

  enum class Got { bytes, nothing_yet, end };
  Result<Got> read_some() {
    std::array<char, kReadSize> block;
    const ssize_t got = recv(fd_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Got::nothing_yet;
    if (got < 0) return fail_errno("read from herdd");
    if (got == 0) return Got::end;
    input_.append(block.data(), static_cast<std::size_t>(got));
    return Got::bytes;
  }

  Status parse(Parser& parser) {
    while (!input_.empty() && !parser.is_done()) {
      boost::beast::error_code error;
      const std::size_t used = parser.put(asio::buffer(input_), error);
      input_.erase(0, used);
      if (error == http::error::need_more) return {};
      if (error) return fail("herdd's answer is not HTTP: " + error.message());
    }
    return {};
  }

  /// Reads until the head is there, or all of it.
  Status read(Parser& parser, bool whole, const Deadline& deadline) {
    for (;;) {
      HERD_CHECK(parse(parser));
      if (whole ? parser.is_done() : parser.is_header_done()) return {};
      HERD_TRY(const Got got, read_some());
      if (got == Got::end) return fail("herdd closed the connection before its answer was complete");
      if (got == Got::nothing_yet) HERD_CHECK(wait_for(fd_.get(), POLLIN, deadline));
    }
  }

  /// A kept connection that the other end closed, or that has words nobody asked for, is of no use.
  [[nodiscard]] bool is_quiet() const {
    pollfd entry{fd_.get(), POLLIN, 0};
    return input_.empty() && poll(&entry, 1, 0) == 0;
  }

 private:
  UniqueFd fd_;
  std::string input_;
};

/// A server that refuses a request early may close while it is still being sent: its answer says why.
Status exchange(Channel& channel, Parser& parser, const Request& request, bool whole) {
  const Deadline deadline = deadline_after(request.timeout);
  const Status sent = channel.write(render(request), deadline);
  Status answered = channel.read(parser, whole, deadline);
  if (!sent && !answered) return sent;
  return answered;
}

}  // namespace

std::string Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return "";
}

struct LineStream::Impl {
  explicit Impl(UniqueFd fd) : channel(std::move(fd)) { parser.body_limit(boost::none); }
  Channel channel;
  Parser parser;
  Reply head;
  std::string pending;  // what came and is not yet a whole line
  std::size_t searched = 0;

  bool take_line(std::string& line) {
    std::string& arrived = parser.get().body();
    pending += arrived;
    arrived.clear();
    const std::size_t end = pending.find('\n', searched);
    searched = end == std::string::npos ? pending.size() : 0;
    if (end == std::string::npos) return false;
    line = pending.substr(0, end);
    pending.erase(0, end + 1);
    return true;
  }
};

LineStream::LineStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LineStream::LineStream(LineStream&&) noexcept = default;
LineStream& LineStream::operator=(LineStream&&) noexcept = default;
LineStream::~LineStream() = default;
const Reply& LineStream::head() const {
  return impl_->head;
}
int LineStream::fd() const {
  return impl_->channel.fd();
}

Result<LineStream::State> LineStream::try_next(std::string& line) {
  for (;;) {
    HERD_CHECK(impl_->channel.parse(impl_->parser));
    if (impl_->take_line(line)) return State::line;
    if (impl_->parser.is_done()) return State::ended;
    if (impl_->pending.size() > kMaxLine) return fail("herdd sent a line of more than 4 MiB");
    HERD_TRY(const Channel::Got got, impl_->channel.read_some());
    if (got == Channel::Got::nothing_yet) return State::nothing_yet;
    if (got == Channel::Got::end) return fail("herdd closed the connection before the stream's end");
  }
}

Result<bool> LineStream::next(std::string& line) {
  for (;;) {
    HERD_TRY(const State state, try_next(line));
    if (state != State::nothing_yet) return state == State::line;
    HERD_CHECK(wait_for(fd(), POLLIN, std::nullopt));
  }
}

struct Client::Wire {
  Channel channel;
};

Client::Client(std::string path) : path_(std::move(path)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Reply> Client::send(const Request& request) {
  if (wire_ && !wire_->channel.is_quiet()) wire_.reset();
  if (!wire_) {
    HERD_TRY(UniqueFd fd, reach(path_));
    wire_ = std::make_unique<Wire>(Wire{Channel(std::move(fd))});
  }
  Parser parser;
  parser.body_limit(kMaxReply);
  if (Status done = exchange(wire_->channel, parser, request, true); !done) {
    wire_.reset();
    return fail_in(request.method + " " + request.target, std::move(done).error());
  }
  Reply reply = head_of(parser);
  take_body(reply, std::move(parser.get().body()));
  if (!parser.keep_alive()) wire_.reset();
  return reply;
}

Result<LineStream> Client::open(const Request& request) {
  HERD_TRY(UniqueFd fd, reach(path_));
  auto impl = std::make_unique<LineStream::Impl>(std::move(fd));
  const std::string clause = request.method + " " + request.target;
  if (Status done = exchange(impl->channel, impl->parser, request, false); !done)
    return fail_in(clause, std::move(done).error());
  impl->head = head_of(impl->parser);
  if (!impl->head.ok()) {
    if (Status done = impl->channel.read(impl->parser, true, deadline_after(request.timeout)); !done)
      return fail_in(clause, std::move(done).error());
    take_body(impl->head, std::move(impl->parser.get().body()));
  }
  return LineStream(std::move(impl));
}

}  // namespace herd::protocol

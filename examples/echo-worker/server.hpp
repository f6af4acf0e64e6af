// The echo worker's HTTP/1.1 server: one thread, its state in memory, as many requests a connection as it
// likes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace echo {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Stream = asio::generic::stream_protocol;  // the listener may be a unix or a TCP one
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

struct Identity {
  std::string worker, pool, greeting;
};

/// What the worker remembers, and its answers. No I/O.
class Echo {
 public:
  explicit Echo(Identity identity) : identity_(std::move(identity)) {}
  [[nodiscard]] Response answer(const Request& request);

 private:
  [[nodiscard]] Response who_am_i();
  Identity identity_;
  std::uint64_t requests_ = 0, bytes_ = 0;
};

class Server {
 public:
  /// Takes over `listener`, a listening socket. Serves once the context runs.
  Server(asio::io_context& context, int listener, Echo& echo);
  /// Accepts no more, ends idle connections at once and busy ones after their answer.
  void stop();

 private:
  struct Connection {
    explicit Connection(asio::basic_stream_socket<Stream> socket) : stream(std::move(socket)) {}
    beast::basic_stream<Stream> stream;
    beast::flat_buffer buffer;
    bool busy = false;
  };
  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(std::shared_ptr<Connection> connection);
  asio::awaitable<void> serve_requests(std::shared_ptr<Connection> connection);

  asio::io_context& context_;
  asio::basic_socket_acceptor<Stream> acceptor_;
  Echo& echo_;
  std::set<std::shared_ptr<Connection>> connections_;
  bool stopping_ = false;
};

}  // namespace echo

#include "echo-worker/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <system_error>

namespace echo {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kMaxBody = 1 << 20;
constexpr std::uint32_t kMaxHeader = 16 << 10;
constexpr auto kRequestTime = 60s;  // also how long a connection may stay idle
constexpr auto kAcceptPause = 100ms;

int family_of(int socket) {
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0)
    throw std::system_error(errno, std::generic_category(), "listener");
  return family;
}

Response respond(http::status status, std::string_view type, std::string body) {
  Response response{status, 11};
  response.set(http::field::content_type, type);
  response.body() = std::move(body);
  return response;
}

Response refuse(http::status status, std::string_view code) {
  return respond(status, "application/json", nlohmann::json{{"error", {{"code", code}}}}.dump() + "\n");
}

void rethrow(std::exception_ptr exception) {
  if (exception) std::rethrow_exception(exception);
}

}  // namespace

Response Echo::who_am_i() {
  const nlohmann::json about = {
      {"worker", identity_.worker}, {"pool", identity_.pool}, {"pid", ::getpid()},
      {"requests", requests_},      {"bytes", bytes_},        {"greeting", identity_.greeting}};
  // The greeting comes from outside and need not be UTF-8.
  return respond(http::status::ok, "application/json",
                 about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Response Echo::answer(const Request& request) {
  const std::string_view target(request.target().data(), request.target().size());
  const std::string_view path = target.substr(0, target.find('?'));
  // Health checks are herd's, not the session's: they don't count.
  if (path == "/health") return respond(http::status::ok, "text/plain", "ok\n");
  ++requests_;
  if (path != "/") return refuse(http::status::not_found, "not_found");
  if (request.method() == http::verb::get) return who_am_i();
  if (request.method() != http::verb::post)
    return refuse(http::status::method_not_allowed, "method_not_allowed");
  bytes_ += request.body().size();
  const auto type = request[http::field::content_type];
  return respond(http::status::ok,
                 type.empty() ? "application/octet-stream" : std::string_view(type.data(), type.size()),
                 request.body());
}

Server::Server(asio::io_context& context, int listener, Echo& echo)
    : context_(context), acceptor_(context), echo_(echo) {
  acceptor_.assign(Stream(family_of(listener), 0), listener);
  asio::co_spawn(context_, accept_all(), rethrow);
}

void Server::stop() {
  stopping_ = true;
  acceptor_.close();
  for (const auto& connection : connections_)
    if (!connection->busy) connection->stream.cancel();
}

asio::awaitable<void> Server::accept_all() {
  while (!stopping_) {
    beast::error_code error;
    asio::basic_stream_socket<Stream> socket(context_);
    co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (stopping_) co_return;
    if (error) {  // out of fds, most likely: the listener stays readable, so without a pause this would spin
      asio::steady_timer pause(context_, kAcceptPause);
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    if (connections_.size() >= kMaxConnections) continue;  // closes it
    const auto connection = std::make_shared<Connection>(std::move(socket));
    connections_.insert(connection);
    asio::co_spawn(context_, serve(connection), rethrow);
  }
}

asio::awaitable<void> Server::serve(std::shared_ptr<Connection> connection) {
  try {
    co_await serve_requests(connection);
  } catch (const boost::system::system_error&) {
    // The client left, or was too slow: nobody is there to be told.
  }
  connections_.erase(connection);
}

asio::awaitable<void> Server::serve_requests(std::shared_ptr<Connection> connection) {
  auto& stream = connection->stream;
  for (bool open = true; open && !stopping_;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxBody);
    parser.header_limit(kMaxHeader);
    beast::error_code error;
    stream.expires_after(kRequestTime);
    co_await http::async_read(stream, connection->buffer, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (error && error != http::error::body_limit) co_return;

    connection->busy = true;
    Response response =
        error ? refuse(http::status::payload_too_large, "body_too_large") : echo_.answer(parser.get());
    open = !error && parser.get().keep_alive() && !stopping_;
    response.keep_alive(open);
    response.prepare_payload();
    stream.expires_after(kRequestTime);
    co_await http::async_write(stream, response, asio::use_awaitable);
    connection->busy = false;
  }
  stream.socket().shutdown(asio::socket_base::shutdown_send);
}

}  // namespace echo

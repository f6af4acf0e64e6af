#include "daemon/worker/probe.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace herd::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::as_tuple;
using asio::use_awaitable;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

constexpr std::uint64_t kMaxAnswer = 64 * 1024;

asio::generic::stream_protocol::endpoint endpoint_of(const std::string& address) {
  if (address.starts_with("unix:")) return asio::local::stream_protocol::endpoint(address.substr(5));
  const std::size_t colon = address.rfind(':');
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
  return asio::ip::tcp::endpoint(asio::ip::make_address(address.substr(4, colon - 4)), port);
}

asio::awaitable<std::string> connect(Socket& socket, const std::string& address) {
  const auto [error] = co_await socket.async_connect(endpoint_of(address), as_tuple(use_awaitable));
  co_return error ? "connect to " + address + ": " + error.message() : "";
}

asio::awaitable<std::string> exchange(Socket& socket, const std::string& address, const std::string& path) {
  if (std::string failure = co_await connect(socket, address); !failure.empty()) co_return failure;
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, "localhost");  // some programs answer to no other name
  request.set(http::field::user_agent, "herdd");
  request.keep_alive(false);
  const auto [write_error, written] = co_await http::async_write(socket, request, as_tuple(use_awaitable));
  if (write_error) co_return "GET " + path + ": " + write_error.message();
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswer);
  // The status is the answer; the body is nobody's business here.
  const auto [read_error, count] =
      co_await http::async_read_header(socket, buffer, parser, as_tuple(use_awaitable));
  if (read_error) co_return "GET " + path + ": " + read_error.message();
  const unsigned status = parser.get().result_int();
  co_return status / 100 == 2 ? "" : "GET " + path + " answered " + std::to_string(status);
}

Result<Socket> socket_for(ProbeTarget& target, const asio::any_io_executor& executor) {
  Socket socket(executor);
  if (!target.socket) return socket;
  error_code error;
  socket.assign(asio::ip::tcp::v4(), target.socket.get(), error);
  if (error) return fail_errno("watch a socket", error.value());
  (void)target.socket.release();
  return socket;
}

asio::awaitable<std::string> deadline(Duration timeout) {
  asio::steady_timer timer(co_await asio::this_coro::executor, timeout);
  co_await timer.async_wait(as_tuple(use_awaitable));
  co_return "no answer within " + format(timeout);
}

template <typename Result>
std::string either(Result result) {
  return std::visit([](auto& text) { return std::move(text); }, result);
}

}  // namespace

asio::awaitable<std::string> probe_http(ProbeTarget target, std::string path, Duration timeout) {
  using namespace asio::experimental::awaitable_operators;
  auto socket = socket_for(target, co_await asio::this_coro::executor);
  if (!socket) co_return socket.error().message;
  auto result = co_await (exchange(*socket, target.address, path) || deadline(timeout));
  co_return either(std::move(result));
}

asio::awaitable<std::string> probe_connect(ProbeTarget target, Duration timeout) {
  using namespace asio::experimental::awaitable_operators;
  auto socket = socket_for(target, co_await asio::this_coro::executor);
  if (!socket) co_return socket.error().message;
  auto result = co_await (connect(*socket, target.address) || deadline(timeout));
  co_return either(std::move(result));
}

}  // namespace herd::worker

#include "tests/bench/bare_server.hpp"

#include <signal.h>
#include <sys/prctl.h>

#include <boost/asio.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace herd::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(Protocol::socket socket, std::string body) {
  boost::beast::flat_buffer buffer;
  while (true) {
    http::request<http::string_body> request;
    const auto [failed, got] = co_await http::async_read(socket, buffer, request, kAwait);
    if (failed) co_return;
    http::response<http::string_body> response(http::status::ok, request.version(), body);
    response.set(http::field::content_type, "application/json");
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    const auto [broken, sent] = co_await http::async_write(socket, response, kAwait);
    if (broken) co_return;
  }
}

asio::awaitable<void> accept_all(Protocol::acceptor& acceptor, std::string body) {
  while (true) {
    auto [failed, socket] = co_await acceptor.async_accept(kAwait);
    if (failed) co_return;
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), body), asio::detached);
  }
}

}  // namespace

Result<Child> start_bare_server(const std::string& socket, const std::string& body) {
  asio::io_context io(1);
  boost::system::error_code error;
  Protocol::acceptor acceptor(io, Protocol());
  acceptor.bind(Protocol::endpoint(socket), error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("listen on '" + socket + "': " + error.message());
  return Child::fork_off([&] {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // of the thread that forked, which is the only one
    io.notify_fork(asio::execution_context::fork_child);
    asio::co_spawn(io, accept_all(acceptor, body), asio::detached);
    io.run();
  });
}

}  // namespace herd::bench

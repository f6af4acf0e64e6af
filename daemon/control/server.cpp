#include "daemon/control/server.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>

#include "daemon/control/connection.hpp"

namespace herd::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};  // when the process has no fd left for a client

Result<Peer> peer_of(Socket& socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
    return fail_errno("SO_PEERCRED");
  return Peer{credentials.uid, credentials.gid, credentials.pid};
}

void admit(const std::shared_ptr<Core>& core, Socket socket) {
  const auto peer = peer_of(socket);
  if (!peer) return core->report(peer.error().message);
  const Core::Admission admission = core->admission(peer->uid);
  if (admission == Core::Admission::turned_away) return;
  const bool refused = admission == Core::Admission::refused;
  const auto connection = std::make_shared<Connection>(core, std::move(socket), *peer, refused);
  core->add(connection);
  connection->start();
}

}  // namespace

struct Server::Acceptor {
  Acceptor(asio::io_context& io, std::shared_ptr<Core> shared, int fd)
      : core(std::move(shared)),
        acceptor(io, asio::local::stream_protocol(), fd),
        pause(io),
        file(file_of(fd)) {}

  std::shared_ptr<Core> core;
  asio::local::stream_protocol::acceptor acceptor;
  asio::steady_timer pause;
  SocketFile file;

  static asio::awaitable<void> accept_all(std::shared_ptr<Acceptor> self) {
    while (self->acceptor.is_open()) {
      auto [error, socket] = co_await self->acceptor.async_accept(kAwait);
      if (!self->acceptor.is_open()) co_return;
      if (!error) {
        admit(self->core, std::move(socket));
      } else if (error != asio::error::connection_aborted) {
        self->core->report("accept: " + error.message());
        self->pause.expires_after(kAcceptPause);
        co_await self->pause.async_wait(kAwait);
      }
    }
  }

  void close() {
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
  }
};

Server::Server(asio::io_context& io, Service& service, Limits limits, Report report)
    : io_(io), core_(std::make_shared<Core>(service, limits, std::move(report))) {}

Server::~Server() {
  if (acceptor_) acceptor_->close();
  core_->abandon();
}

Status Server::start(UniqueFd listener) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0)
    return fail_errno("control socket");
  if (listening == 0) return fail("control socket: the fd handed in does not listen");
  acceptor_ = std::make_shared<Acceptor>(io_, core_, listener.release());
  asio::co_spawn(io_, Acceptor::accept_all(acceptor_), [core = core_](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& exception) {
      core->report(std::string("accepting ended: ") + exception.what());
    }
  });
  return {};
}

void Server::stop(std::function<void()> done) {
  if (acceptor_) {
    // The file first: while we still listen, nobody takes it for a stale one.
    if (const Status removed = remove_socket(acceptor_->file); !removed)
      core_->report(removed.error().message);
    acceptor_->close();
  }
  // Always from the loop, never from in here: the caller may end this server in it.
  core_->stop([io = &io_, done = std::move(done)] {
    if (done) asio::post(*io, done);
  });
}

}  // namespace herd::control

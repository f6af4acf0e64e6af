// The control socket's server. It lives on the daemon's one loop; everything here is called on it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "daemon/control/core.hpp"
#include "daemon/control/limits.hpp"
#include "daemon/control/listener.hpp"
#include "daemon/control/service.hpp"

namespace herd::control {

class Server {
 public:
  /// `service` must outlive the server. `report` gets what no client can be told; by default it goes to
  /// stderr.
  Server(boost::asio::io_context& io, Service& service, Limits limits = {}, Report report = {});
  /// Ends what is left at once and calls the service no more. The orderly way is stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves a listening unix socket, as bind_unix_socket yields it.
  Status start(UniqueFd listener);

  /// Accepts nothing more and removes the socket's file. Idle connections are closed, queued acquires
  /// cancelled and answered, streams ended with their last chunk; `done` is called when the last connection
  /// has gone, after Limits.stop at the latest.
  void stop(std::function<void()> done);

 private:
  struct Acceptor;
  boost::asio::io_context& io_;
  std::shared_ptr<Core> core_;
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace herd::control

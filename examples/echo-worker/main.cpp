// echo-worker: the smallest worker that is worth a session. It keeps a count in memory, so that a caller can
// see that every request of one session reaches the same process.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <herd/worker.hpp>

#include "echo-worker/server.hpp"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void run() {
  const auto listener = herd::listen_fd();
  if (!listener)
    throw std::runtime_error("no listener was passed: run it as a herd worker, or with a .socket unit");

  boost::asio::io_context context(1);
  echo::Echo answers({variable("HERD_WORKER_ID"), variable("HERD_POOL"), variable("GREETING")});
  echo::Server server(context, *listener, answers);
  boost::asio::signal_set term(context, SIGTERM);
  term.async_wait([&server](const boost::system::error_code& error, int) {
    if (error) return;
    herd::notify_stopping();
    server.stop();
  });

  // All that start-up needs is open by now; from here on the filter holds.
  herd::enter_sandbox();
  herd::notify_ready();
  context.run();
}

}  // namespace

int main() {
  try {
    run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo-worker: %s\n", error.what());
    return 1;
  }
}

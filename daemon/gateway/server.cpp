#include "daemon/gateway/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/kernel/seqpacket.hpp"
#include "daemon/gateway/client_connection.hpp"
#include "daemon/gateway/refusal.hpp"

namespace herd::gateway {
namespace {

// Deadlines are looked at so often: a timer for each would cost more than what it guards.
constexpr std::chrono::milliseconds kTick{50};

}  // namespace

Server::Server(std::unique_ptr<Loop> loop, const Settings& settings, Admission& admission,
               Questions& questions)
    : loop_(std::move(loop)),
      settings_(std::make_unique<ServerSettings>(settings)),
      admission_(admission),
      sessions_(*loop_, counters_, questions) {}

Server::~Server() = default;

void Server::run() {
  loop_->run(
      kTick, [this] { tick(); },
      [this] {
        if (!clients_.empty() || sessions_.needs_ticks()) return true;
        for (const auto& [address, listener] : listeners_) {
          if (listener->is_paused()) return true;
        }
        return false;
      });
}

void Server::tick() {
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->on_tick();
  }
  sessions_.tick(static_cast<std::size_t>(settings_->limits.idle_connections));
  for (const auto& [address, listener] : listeners_) listener->tick();
}

void Server::configure(const Settings& settings) {
  settings_ = std::make_unique<ServerSettings>(settings);
}

void Server::add_listener(const std::string& address, UniqueFd socket) {
  if (is_draining()) return;
  remove_listener(address);
  auto listener = std::make_unique<Listener>(*this, std::move(socket));
  if (listener->open()) listeners_[address] = std::move(listener);
}

void Server::remove_listener(const std::string& address) {
  const auto found = listeners_.find(address);
  if (found == listeners_.end()) return;
  found->second->close();
  loop_->retire(std::move(found->second));
  listeners_.erase(found);
}

void Server::drain(std::function<void()> done) {
  if (is_draining()) return;
  drained_ = std::move(done);
  while (!listeners_.empty()) remove_listener(std::string(listeners_.begin()->first));
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->on_drain();
  }
  end_if_drained();
}

void Server::end_if_drained() {
  if (!is_draining() || !clients_.empty()) return;
  drained_();
  loop_->stop();
}

void Server::accept(UniqueFd socket) {
  ClientAddress address = client_address(socket.get());
  const auto admitted = admission_.enter(address.ip, settings_->limits);
  if (admitted != Admission::Answer::yes)
    return refuse(std::move(socket), admitted == Admission::Answer::too_many ? Limit::connections
                                                                             : Limit::connections_of_address);
  if (address.ip.empty()) {
    kernel::refuse_fds(socket.get());
  } else {
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  auto client = std::make_unique<ClientConnection>(*this, std::move(address));
  if (!client->open(std::move(socket))) return admission_.leave(client->address().ip);
  counters_.accepted.add();
  counters_.connections.add();
  client->place_in_server = clients_.size();
  clients_.push_back(std::move(client));
}

/// Best effort: there is no connection object to wait with.
void Server::refuse(UniqueFd socket, Limit limit) {
  counters_.limited(limit);
  const std::string text = to_text({503, "too_many_connections",
                                    limit == Limit::connections ? "too many connections to the gateway"
                                                                : "too many connections from this address",
                                    "close some, or use one connection for several requests", "", "", 1},
                                   {.closes = true});
  send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(socket.get(), SHUT_WR);
}

void Server::remove(ClientConnection& client) {
  admission_.leave(client.address().ip);
  counters_.connections.subtract_one();
  const std::size_t place = client.place_in_server;
  std::swap(clients_[place], clients_.back());
  clients_[place]->place_in_server = place;
  loop_->retire(std::move(clients_.back()));
  clients_.pop_back();
  end_if_drained();
}

}  // namespace herd::gateway

// One client: reads a request's head, hands it to the exchange, and reads the next one when that is over.
#pragma once

#include "daemon/gateway/channel.hpp"
#include "daemon/gateway/exchange.hpp"
#include "daemon/gateway/http/head.hpp"
#include "daemon/gateway/limits.hpp"
#include "daemon/gateway/rewrite.hpp"

namespace herd::gateway {

class ClientConnection final : public Watcher {
 public:
  ClientConnection(Server& server, ClientAddress address);

  Status open(UniqueFd socket);
  void on_events(std::uint32_t events) override;
  void on_tick();
  void on_drain();

  [[nodiscard]] const ClientAddress& address() const { return address_; }
  std::size_t place_in_server = 0;  // the server's own

  // For its exchange.
  [[nodiscard]] Channel& channel() { return channel_; }
  enum class Then {
    next,    // reads the next request
    close,   // the client has, or gets, all that there is
    linger,  // as above, but it may still be sending, and must get to read the answer
    abort,   // what it has is not all
  };
  void on_exchange_over(Then then);

 private:
  enum class State { waiting, reading, exchanging, lingering, closed };

  void advance();
  bool take_head();
  bool receive_head();
  void refuse(int status, const char* sentence);
  void set_deadline(std::chrono::milliseconds after);
  void linger();
  void discard();
  void close();

  Server& server_;
  ClientAddress address_;
  Channel channel_;
  Exchange exchange_;
  http::HeadEnd head_end_;
  TimePoint deadline_;
  std::size_t lingered_ = 0;
  State state_ = State::waiting;
  bool is_advancing_ = false, is_first_ = true;
};

}  // namespace herd::gateway

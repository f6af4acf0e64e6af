// One thread: its loop, its listeners, its clients and the sessions that it knows. Nothing of it is another
// thread's; what comes from one is posted to the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/gateway/buffers.hpp"
#include "daemon/gateway/cookie.hpp"
#include "daemon/gateway/counters.hpp"
#include "daemon/gateway/limits.hpp"
#include "daemon/gateway/listener.hpp"
#include "daemon/gateway/loop.hpp"
#include "daemon/gateway/rewrite.hpp"
#include "daemon/gateway/route_table.hpp"
#include "daemon/gateway/sessions.hpp"

namespace herd::gateway {

class ClientConnection;

/// Settings as the requests need them.
struct ServerSettings {
  explicit ServerSettings(const Settings& settings)
      : routes(settings.routes), limits(settings.limits), cookie_key(settings.cookie_key) {}
  RouteTable routes;
  Limits limits;
  CookieKey cookie_key;
};

class Server {
 public:
  Server(std::unique_ptr<Loop> loop, const Settings& settings, Admission& admission, Questions& questions);
  ~Server();

  /// Until drained.
  void run();

  // On its own thread.
  void configure(const Settings& settings);
  void add_listener(const std::string& address, UniqueFd socket);
  void remove_listener(const std::string& address);
  /// Takes nothing more, finishes what is open, and calls `done`, after which run() returns.
  void drain(std::function<void()> done);

  [[nodiscard]] Loop& loop() { return *loop_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // For its connections.
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] Buffers& buffers() { return buffers_; }
  [[nodiscard]] Sessions& sessions() { return sessions_; }
  [[nodiscard]] RequestIds& request_ids() { return request_ids_; }
  [[nodiscard]] const ServerSettings& settings() const { return *settings_; }
  [[nodiscard]] bool is_draining() const { return static_cast<bool>(drained_); }
  void accept(UniqueFd socket);
  void remove(ClientConnection& client);
  /// Heads are looked at once, when they are complete, so all connections share the room for it.
  http::RequestHead request_head;
  http::AnswerHead answer_head;
  std::string session_text;

 private:
  void tick();
  void refuse(UniqueFd socket, Limit limit);
  void end_if_drained();

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<const ServerSettings> settings_;
  Admission& admission_;
  Counters counters_;
  Buffers buffers_;
  Sessions sessions_;
  RequestIds request_ids_;
  std::map<std::string, std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<ClientConnection>> clients_;
  std::function<void()> drained_;
};

}  // namespace herd::gateway

// The gateways: their listeners, what they are told, and the pool that keeps one running.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"
#include "daemon/herdd/gateway_line.hpp"
#include "daemon/herdd/gateway_listeners.hpp"
#include "daemon/herdd/pool_driver.hpp"

namespace herd::daemon {

/// What signs the cookies that a gateway issues: made at the first start, and kept in `file`, so that clients
/// keep their sessions over restarts. 32 bytes in hex.
Result<std::string> cookie_key(const std::string& file);

class GatewayService {
 public:
  struct Context {
    worker::Resources& resources;
    control::EventRing& events;
    pool::IdSource& ids;
    GatewayDesk desk;
    std::function<void()> pool_gone;
    std::string program;  // herd-gateway
    std::string cookie_key;
  };
  explicit GatewayService(Context context) : context_(std::move(context)) {}

  /// The sockets that this takes; nothing is changed yet.
  [[nodiscard]] Result<GatewayListeners::Sockets> open(const config::GatewayListenSpec& spec) const {
    return listeners_.open(spec.listen);
  }
  /// From now on it is so. Gateways that run are told, and one is started or ended where that has become
  /// right.
  void apply(const config::GatewayListenSpec& spec, const std::vector<config::PoolSpec>& pools,
             GatewayListeners::Sockets sockets);
  void end_session(const std::string& pool, const pool::Emit& ended);
  /// Its requests are served to their end first. `done` may be called at once.
  void stop(std::function<void()> done);

  [[nodiscard]] bool is_ready() const;
  /// Null where there is none.
  [[nodiscard]] PoolDriver* driver() const { return driver_.get(); }
  [[nodiscard]] Json status() const;
  /// Of each gateway that runs, by its worker's id.
  [[nodiscard]] std::map<std::string, gateway::Statistics> statistics() const;

 private:
  void start_pool();
  void stop_pool();
  void on_pool_finished();
  void give_line(worker::Worker& worker);
  void tell_listeners(const GatewayListeners::Sockets& before);

  Context context_;
  config::GatewayListenSpec spec_;
  GatewayListeners listeners_;
  GatewayLine::File settings_;  // a sealed memfd
  std::unique_ptr<PoolDriver> driver_;
  std::vector<std::shared_ptr<GatewayLine>> lines_;
  std::function<void()> stopped_;
  bool is_stopping_ = false;
};

}  // namespace herd::daemon

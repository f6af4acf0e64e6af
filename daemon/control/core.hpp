// What the server and its connections share: the service, the bounds, and who is connected.
// It lives as long as the last of them. One loop, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/control/limits.hpp"
#include "daemon/control/service.hpp"

namespace herd::control {

class Connection;
/// For what nobody who is connected can be told. The app logs it.
using Report = std::function<void(const std::string& message)>;

class Core {
 public:
  Core(Service& service, Limits limits, Report report);

  /// Null once the server is gone: from then on the service must not be called.
  [[nodiscard]] Service* service() const { return service_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  void report(const std::string& message) const { report_(message); }
  [[nodiscard]] bool is_stopping() const { return stopping_; }

  enum class Admission {
    welcome,
    refused,
    turned_away
  };  // refused: it is told why; turned away: just closed
  [[nodiscard]] Admission admission(std::uint32_t uid) const;
  void add(const std::shared_ptr<Connection>& connection);
  void remove(Connection& connection);

  /// `done` once no connection is left.
  void stop(std::function<void()> done);
  /// Ends everything at once, and the service is not called again.
  void abandon();

 private:
  /// A connection may leave while they are walked.
  void for_each_connection(void (Connection::*call)());

  Service* service_;
  const Limits limits_;
  const Report report_;
  bool stopping_ = false;
  std::function<void()> on_empty_;
  std::map<Connection*, std::weak_ptr<Connection>> connections_;
  std::map<std::uint32_t, std::size_t> per_uid_;
  std::size_t refused_ = 0;
};

}  // namespace herd::control

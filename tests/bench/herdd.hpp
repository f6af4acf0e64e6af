// The real daemon, started with pools of its own for one measure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/bench/http.hpp"
#include "tests/bench/place.hpp"
#include "tests/bench/process.hpp"

namespace herd::bench {

/// What pool files hold, by pool name.
using Pools = std::map<std::string, nlohmann::json>;

class Herdd {
 public:
  /// `name` is that of its directory in `place`, which the measure has to itself. Returns once the daemon
  /// answers.
  /// `more` is what its herd.json has beside what every measure needs.
  static Result<Herdd> start(const Place& place, const std::string& name, const Pools& pools,
                             const nlohmann::json& more = nlohmann::json::object());
  Herdd(Herdd&&) = default;
  Herdd& operator=(Herdd&&) = delete;
  /// Stops it, and its workers with it.
  ~Herdd();

  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

 private:
  Herdd(Child process, std::string socket) : process_(std::move(process)), socket_(std::move(socket)) {}
  Child process_;
  std::string socket_;
};

}  // namespace herd::bench

// A body's end, found while its bytes pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/gateway/http/chunked.hpp"
#include "daemon/gateway/http/head.hpp"

namespace herd::gateway::http {

class Body {
 public:
  enum class Kind { none, length, chunked, until_close };
  /// What is to be done with bytes, in this order: drop, pass on, drop.
  struct Piece {
    std::size_t before = 0, pass = 0, behind = 0;
    [[nodiscard]] bool is_empty() const { return before + pass + behind == 0; }
  };
  struct TrailerLimits {
    std::size_t bytes = 0, fields = 0;
  };

  Body() = default;
  explicit Body(Kind kind, std::uint64_t length = 0) : kind_(kind), left_(length) {}
  /// Of a message that has one where its framing says so.
  static Body of(const Framing& framing);

  /// `bytes` are the next ones. Of a chunked body the framing passes, too, unless `plain`; the trailers that
  /// may pass are put into `trailers`, with the empty line behind them.
  Piece next(std::string_view bytes, bool plain, const TrailerLimits& limits, std::string& trailers);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_done() const;
  /// It is none, or nothing of it has been looked at.
  [[nodiscard]] bool is_untouched() const { return !is_touched_; }
  [[nodiscard]] bool is_bad() const { return is_bad_; }

 private:
  Piece next_chunks(std::string_view bytes, bool plain);
  std::size_t take_trailers(std::string_view bytes, bool plain, const TrailerLimits& limits,
                            std::string& trailers);

  Kind kind_ = Kind::none;
  std::uint64_t left_ = 0;
  Chunked chunked_;
  HeadEnd trailers_end_;
  bool has_trailers_ = false;  // they are over
  bool is_bad_ = false, is_touched_ = false;
};

}  // namespace herd::gateway::http

// A message's head, read strictly (RFC 9112): what two readers could read in two ways is refused, so that a
// worker never sees another request than the gateway did. Views into the bytes as they came.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/gateway/http/names.hpp"

namespace herd::gateway::http {

struct Field {
  std::string_view name;
  std::string_view value;  // without the blanks around it
  std::string_view line;   // as it came, with its CRLF
  Name known = Name::other;
};

/// What a Connection field says.
struct ConnectionOptions {
  bool close = false, keep_alive = false, upgrade = false;
  std::vector<std::string_view> named;  // fields that are for the next one only
};

/// How the body's end is known, and what else of the fields is the gateway's business.
struct Framing {
  std::optional<std::uint64_t> length;
  bool is_chunked = false;
};

struct Head {
  int minor_version = 1;  // HTTP/1.x
  std::vector<Field> fields;
  Framing framing;
  ConnectionOptions connection;
  std::string_view upgrade;  // the field's value; empty: none

  void clear();
  [[nodiscard]] bool keeps_connection() const {
    return minor_version == 1 ? !connection.close : connection.keep_alive && !connection.close;
  }
  /// It belongs to this connection and is not passed on.
  [[nodiscard]] bool is_hop_by_hop(const Field& field) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;     // as it came
  std::string_view path;       // of it; "*" for OPTIONS *
  std::string_view query;      // with its '?'; may be empty
  std::string_view authority;  // of an absolute target; empty: it is none
  std::string_view host;       // the Host field's value; empty only in HTTP/1.0
  bool expects_continue = false;

  [[nodiscard]] bool is_safe() const;  // RFC 9110 9.2.1
};

struct AnswerHead : Head {
  int status = 0;
  std::string_view reason;
};

/// Why a head is refused; null: it is not.
struct Fault {
  int status;
  const char* sentence;
};

/// `bytes` is a whole head with the empty line at its end. The views are into it.
const Fault* parse_request(std::string_view bytes, std::size_t max_fields, RequestHead& head);
/// Its status is that of a Fault, 502.
const Fault* parse_answer(std::string_view bytes, std::size_t max_fields, AnswerHead& head);
/// The fields behind a chunked body, with the empty line at the end; what a trailer may not hold is a fault.
const Fault* parse_trailers(std::string_view bytes, std::size_t max_fields, std::vector<Field>& fields);

extern const Fault kBareLineFeed, kTooManyFields;

/// Looks for the empty line that ends a head, in bytes that come bit by bit.
class HeadEnd {
 public:
  /// `bytes`: all since the head's beginning. The head's size, once it is there.
  std::optional<std::size_t> find(std::string_view bytes);
  /// A line ended with a line feed alone.
  [[nodiscard]] bool is_bad() const { return is_bad_; }
  void restart() { *this = HeadEnd(); }

 private:
  std::size_t looked_ = 0;
  std::size_t line_ = 0;  // where the line begins that is looked at
  bool is_bad_ = false;
};

}  // namespace herd::gateway::http

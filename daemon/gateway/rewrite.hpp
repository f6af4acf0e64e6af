// Heads as they are passed on: lines as they came, without what belongs to one connection and what only the
// gateway may say, and with what it says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/gateway/http/head.hpp"
#include "protocol/gateway/settings.hpp"

namespace herd::gateway {

/// Of the client's connection.
struct ClientAddress {
  std::string ip;             // empty: it came over a unix socket
  std::string forwarded_for;  // the same, as Forwarded writes it
};
ClientAddress client_address(int socket);

struct RequestChange {
  const Route& route;
  const ClientAddress& client;
  std::string_view request_id;
  std::size_t session_path_bytes = 0;  // as NamedSession has them
};
/// Appends the request's head for the worker.
void append_request(std::string& out, const http::RequestHead& head, const RequestChange& change);

struct AnswerChange {
  bool is_chunked_anew = false;     // the worker's body ended with its connection
  bool is_chunked_no_more = false;  // for a client that speaks HTTP/1.0
  bool has_no_body = false;         // whatever its fields say
  bool closes = false;
  bool says_keep_alive = false;  // to HTTP/1.0
  std::string_view cookie;       // a line, or empty
};
/// Appends the answer's head for the client.
void append_answer(std::string& out, const http::AnswerHead& head, const AnswerChange& change);

/// Whether the request asks for another protocol in a way that is passed on.
bool asks_for_upgrade(const http::RequestHead& head);

/// Ids that differ among all gateways: 64 random bits, and a count.
class RequestIds {
 public:
  RequestIds();
  std::string_view next();

 private:
  char text_[32];
  std::uint64_t count_ = 0;
};

}  // namespace herd::gateway

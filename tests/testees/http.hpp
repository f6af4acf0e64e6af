// Just enough HTTP/1.1 for a testee: one thread, keep-alive, bounded requests.
#pragma once

#include <functional>
#include <string>

namespace testee {

struct Request {
  std::string method, path, query, body;
};

struct Response {
  int status = 200;
  std::string body = "{}";
  std::function<void()> afterwards = {};  // runs once the response is written
};

using Answer = std::function<Response(const Request&)>;

[[noreturn]] void serve_http(int listener, const Answer& answer);

/// A listener on 127.0.0.1:port; ends the process where it can't be had.
int listen_on(int port);

}  // namespace testee

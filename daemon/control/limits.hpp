// Every bound of the control server. Tests shrink them.
#pragma once

#include <chrono>
#include <cstddef>

namespace herd::control {

struct Limits {
  std::size_t connections_per_uid = 128;  // root's too
  std::size_t connections_total = 1024;
  std::size_t refusals_at_once =
      64;  // connections over a bound that are told so; more are closed without a word
  std::size_t header_bytes = 16U << 10;
  std::size_t body_bytes = 1U << 20;
  std::chrono::milliseconds idle{300'000};            // between two requests
  std::chrono::milliseconds header{10'000};           // from a request's first byte to the end of its header
  std::chrono::milliseconds body{30'000};             // from there to its end
  std::chrono::milliseconds write{30'000};            // an answer to a client that does not read
  std::chrono::milliseconds stream_write{3'600'000};  // the same for a stream: a pager may rest on a page
  std::chrono::milliseconds linger{2'000};  // reads on after a refusal, so that the client gets to read it
  std::chrono::milliseconds stop{5'000};    // what is still being written when the server stops
};

}  // namespace herd::control

// The behaviour that moves bytes. A connection's first byte says how:
//   E  each byte comes back, and after the last one the end
//   C  reads to the end, then answers how many bytes there were
//   S  sends without end
//   X  answers "bye", then the worker exits with code 3
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/testees/behaviours.hpp"
#include "tests/testees/http.hpp"

namespace testee {

namespace {

constexpr std::size_t kBlock = 64 * 1024;

bool send_all(int fd, const char* data, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = ::send(fd, data + done, size - done, MSG_NOSIGNAL);
    if (count < 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

/// Of the bytes that come, until there are no more.
std::size_t receive_all(int fd, bool sends_back) {
  char block[kBlock];
  std::size_t total = 0;
  ssize_t count = 0;
  while ((count = ::recv(fd, block, sizeof block, 0)) > 0) {
    total += static_cast<std::size_t>(count);
    if (sends_back && !send_all(fd, block, static_cast<std::size_t>(count))) break;
  }
  return total;
}

void serve_stream(int fd) {
  char order = 0;
  if (::recv(fd, &order, 1, 0) == 1) {
    if (order == 'E') receive_all(fd, true);
    if (order == 'C') {
      const std::string count = std::to_string(receive_all(fd, false));
      send_all(fd, count.data(), count.size());
    }
    static const char zeros[kBlock] = {};
    while (order == 'S' && send_all(fd, zeros, sizeof zeros)) {
    }
    if (order == 'X') {
      send_all(fd, "bye", 3);
      ::_exit(3);
    }
  }
  ::close(fd);
}

}  // namespace

void stream_own_port(const Arguments&) {
  const int listener = listen_on(own_port());
  for (;;)
    if (const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
      std::thread(serve_stream, fd).detach();
}

}  // namespace testee

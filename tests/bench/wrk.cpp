#include "tests/bench/wrk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "tests/bench/process.hpp"

namespace herd::bench {
namespace {

constexpr const char* kProgram = "/usr/bin/wrk";

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t count = 0; (count = read(fd, block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<std::size_t>(count));
  return text;
}

/// "  84210 requests in 2.00s, 11.08MB read", "Requests/sec:  42105.11", and complaints where there are any.
Result<Load> parse_wrk(const std::string& said) {
  const std::size_t requests = said.find(" requests in "), rate = said.find("Requests/sec:");
  for (const char* complaint : {"Socket errors", "Non-2xx"})
    if (said.find(complaint) != std::string::npos) return fail("wrk: " + said);
  if (requests == std::string::npos || rate == std::string::npos) return fail("wrk said '" + said + "'");
  const std::size_t line = said.rfind('\n', requests) + 1;
  return Load{std::stod(said.substr(rate + std::string_view("Requests/sec:").size())),
              std::stoull(said.substr(line))};
}

}  // namespace

Result<Load> run_wrk(std::uint16_t port, const std::string& session, int connections, int seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const auto child =
      Child::start({kProgram, "-t1", "-c" + std::to_string(connections), "-d" + std::to_string(seconds) + "s",
                    "-H", "X-Session-ID: " + session, "http://127.0.0.1:" + std::to_string(port) + "/"},
                   input.get(), input.get());
  if (!child) return fail_in("wrk (Debian package wrk)", child.error());
  input.reset();
  return parse_wrk(read_all(output.get()));
}

}  // namespace herd::bench

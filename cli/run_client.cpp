#include "cli/run_client.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "common/kernel/seqpacket.hpp"

namespace herd::cli {

Result<UniqueFd> connect_for_run(const Context& context) {
  const std::string path = run::socket_path(context.socket);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail_errno("'" + path + "'", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("cannot reach herdd at '" + path + "'");
  return fd;
}

int exit_code_of(const Error& connecting) {
  return connecting.errno_value == EACCES ? kForbidden : kUnreachable;
}

int exit_code_of(const run::Answer& refusal) {
  if (refusal.code == "forbidden") return kForbidden;
  if (refusal.code == "unknown_pool") return kNotFound;
  return refusal.code == "bad_request" ? kUsage : kCommandNotRun;
}

Status send_request(int connection, const run::Request& request, std::span<const int> fds) {
  HERD_TRY(const std::string text, run::to_json(request));
  return kernel::send_message(connection, text, fds);
}

Status pipe_terminals(CommandFiles& files) {
  for (std::size_t i = 0; i < files.fds.size(); ++i) {
    if (isatty(files.fds[i]) != 1) continue;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    if (i == 0) {
      files.relay.add_input(STDIN_FILENO, std::move(write_end));
      files.piped[i] = std::move(read_end);
    } else {
      files.relay.add_output(std::move(read_end), files.fds[i]);
      files.piped[i] = std::move(write_end);
    }
    files.fds[i] = files.piped[i].get();
  }
  return {};
}

}  // namespace herd::cli

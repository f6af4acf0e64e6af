#include "tests/bench/peers.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/kernel/files.hpp"
#include "tests/bench/http.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPeerPatience = 10s;

/// By a hash, which is the least work. A hash gives some of several workers two sessions and others none;
/// with the table each session has a worker of its own, as with herd.
const char* haproxy_balance(std::size_t workers) {
  return workers == 1 ? " balance hdr(X-Session-ID)\n hash-type consistent\n"
                      : " balance roundrobin\n stick-table type string len 128 size 10k\n"
                        " stick on hdr(X-Session-ID)\n";
}

std::string haproxy_file(std::uint16_t port, const std::vector<std::string>& workers) {
  std::string text =
      "global\n nbthread 1\n maxconn 5000\n"
      "defaults\n mode http\n"
      " timeout connect 5s\n timeout client 5m\n timeout server 5m\n timeout tunnel 1h\n"
      "frontend clients\n bind 127.0.0.1:" +
      std::to_string(port) + "\n default_backend workers\nbackend workers\n" +
      haproxy_balance(workers.size());
  for (std::size_t i = 0; i < workers.size(); ++i)
    text += " server w" + std::to_string(i) + " unix@" + workers[i] + "\n";
  return text;
}

std::string nginx_file(const std::string& directory, std::uint16_t port,
                       const std::vector<std::string>& workers) {
  std::string text =
      "daemon off;\nuser root;\nworker_processes 1;\nmaster_process off;\nerror_log stderr;\n"
      "pid " +
      directory +
      "/nginx.pid;\n"
      "events { worker_connections 10000; }\n"
      "http {\n access_log off;\n keepalive_requests 1000000000;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    text += " " + std::string(kind) + "_temp_path " + directory + "/nginx-" + kind + ";\n";
  text += " upstream workers {\n  hash $http_x_session_id consistent;\n";
  for (const std::string& worker : workers) text += "  server unix:" + worker + ";\n";
  text +=
      "  keepalive 64;\n  keepalive_requests 1000000000;\n }\n"
      " server {\n  listen 127.0.0.1:" +
      std::to_string(port) +
      ";\n"
      "  location / {\n   proxy_pass http://workers;\n   proxy_http_version 1.1;\n"
      "   proxy_set_header Connection \"\";\n  }\n }\n}\n";
  return text;
}

Status wait_until_it_listens(Child& process, std::uint16_t port) {
  for (const auto deadline = Clock::now() + kPeerPatience; Clock::now() < deadline;) {
    if (!process.is_running()) return fail("it has ended");
    if (Client::connect(port)) return {};
    wait_readable(-1, 5ms);
  }
  return fail("it does not listen");
}

}  // namespace

Result<std::uint16_t> free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket.get(), generic, size) != 0 || getsockname(socket.get(), generic, &size) != 0)
    return fail_errno("find a free port");
  return ntohs(address.sin_port);
}

Result<Peer> Peer::start(const Place& place, const Backend& backend, const std::string& name,
                         std::uint16_t port, std::vector<std::string> command) {
  const std::string program = place.peers() + "/" + command.front();
  if (access(program.c_str(), X_OK) != 0)
    return fail_errno("'" + program + "' (./dev bench puts it there, from its Debian package)");
  command.front() = program;
  command.insert(command.begin(), {"/usr/bin/env", "LD_LIBRARY_PATH=" + place.peers() + "/lib"});
  const std::string log = place.path() + "/" + name + ".log";
  const UniqueFd log_file(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!log_file) return fail_errno("create '" + log + "'");
  HERD_TRY(PeerCgroup cgroup, PeerCgroup::make(backend.cgroup_root, name));
  HERD_TRY(Child process, Child::start(command, log_file.get(), log_file.get()));
  HERD_CHECK(cgroup.take(process.pid()));
  if (auto listens = wait_until_it_listens(process, port); !listens)
    return fail(name + ": " + listens.error().message + ": " + kernel::read_file(log).value_or("no log"));
  return Peer(name, port, std::move(cgroup), std::move(process));
}

Result<Peer> Peer::start_haproxy(const Place& place, const Backend& backend) {
  HERD_TRY(const std::uint16_t port, free_port());
  const std::string file = place.path() + "/haproxy.cfg";
  HERD_CHECK(kernel::replace_file(file, haproxy_file(port, backend.workers), 0644));
  return start(place, backend, "HAProxy", port, {"haproxy", "-db", "-f", file});
}

Result<Peer> Peer::start_nginx(const Place& place, const Backend& backend) {
  HERD_TRY(const std::uint16_t port, free_port());
  const std::string file = place.path() + "/nginx.conf";
  HERD_CHECK(kernel::replace_file(file, nginx_file(place.path(), port, backend.workers), 0644));
  return start(place, backend, "nginx", port, {"nginx", "-e", "stderr", "-c", file});
}

}  // namespace herd::bench

// What one worker leaves and another looks for: /tmp, /dev/shm, System V IPC, POSIX queues, abstract sockets.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "tests/testees/escape/attacks.hpp"
#include "tests/testees/support.hpp"

namespace escape {

namespace {

using testee::outcome;

constexpr key_t kKey = 0x68657264;
constexpr mode_t kForAll = 0666;
constexpr const char* kQueue = "/herd-victim";
constexpr const char* kShared = "/dev/shm/herd-victim";
constexpr const char* kTemporary = "/tmp/herd-victim";

int on_abstract_socket(int (*use)(int, const sockaddr*, socklen_t)) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "herd-victim";
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return use(fd, reinterpret_cast<const sockaddr*>(&address), length);
}

int listens(int fd, const sockaddr* address, socklen_t length) {
  return ::bind(fd, address, length) == 0 ? ::listen(fd, 1) : -1;
}

/// Also those whose key is not known.
std::string counts_segments(const Target&) {
  shm_info info{};
  if (::shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info)) < 0) return outcome(-1);
  return info.used_ids == 0 ? "none" : "ok: " + std::to_string(info.used_ids);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> leave_traces() {
  mq_attr attributes{};
  attributes.mq_maxmsg = 1;
  attributes.mq_msgsize = 1;
  return {{"temporary", outcome(::open(kTemporary, O_CREAT | O_WRONLY, kForAll))},
          {"shared", outcome(::open(kShared, O_CREAT | O_WRONLY, kForAll))},
          {"segment", outcome(::shmget(kKey, 4096, IPC_CREAT | kForAll))},
          {"semaphore", outcome(::semget(kKey, 1, IPC_CREAT | kForAll))},
          {"messages", outcome(::msgget(kKey, IPC_CREAT | kForAll))},
          {"queue", outcome(::mq_open(kQueue, O_CREAT | O_RDWR, kForAll, &attributes))},
          {"abstract_socket", outcome(on_abstract_socket(listens))}};
}

std::vector<Attack> ipc_attacks() {
  return {
      {"find_temporary", [](const Target&) { return outcome(::open(kTemporary, O_RDONLY)); }},
      {"find_shared", [](const Target&) { return outcome(::open(kShared, O_RDONLY)); }},
      {"find_segment", [](const Target&) { return outcome(::shmget(kKey, 0, 0)); }},
      {"find_any_segment", counts_segments},
      {"find_semaphore", [](const Target&) { return outcome(::semget(kKey, 0, 0)); }},
      {"find_messages", [](const Target&) { return outcome(::msgget(kKey, 0)); }},
      {"find_queue", [](const Target&) { return outcome(::mq_open(kQueue, O_RDONLY)); }},
      {"connect_to_workers_abstract_socket",
       [](const Target&) { return outcome(on_abstract_socket(::connect)); }},
  };
}

}  // namespace escape

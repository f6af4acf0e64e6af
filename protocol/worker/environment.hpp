// The names of a worker's environment (design: a worker's environment). The SDK stands alone and spells them
// itself.
#pragma once

namespace herd::protocol {

inline constexpr const char* kPool = "HERD_POOL";
inline constexpr const char* kWorkerId = "HERD_WORKER_ID";
inline constexpr const char* kSeccompProfile = "HERD_SECCOMP_PROFILE";  // off | log | errno | kill
inline constexpr const char* kSeccompFd = "HERD_SECCOMP_FD";
/// notify, where the filter is to be installed with a listener that goes to herdd; else not set.
inline constexpr const char* kSeccompDenials = "HERD_SECCOMP_DENIALS";
/// The message to NOTIFY_SOCKET that carries the listener: those of sd_notify(3)'s fd store.
inline constexpr const char* kListenerMessage = "FDSTORE=1\nFDNAME=seccomp";
inline constexpr const char* kListenFds = "LISTEN_FDS";
inline constexpr const char* kListenPid = "LISTEN_PID";
inline constexpr const char* kListenFdNames = "LISTEN_FDNAMES";
inline constexpr const char* kNotifySocket = "NOTIFY_SOCKET";
inline constexpr const char* kPort = "PORT";

inline constexpr int kListenFd = 3;  // sd_listen_fds(3): passed fds begin here
inline constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace herd::protocol

#include "tests/unit/denials/asker.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <future>
#include <system_error>

#include "common/seccomp/install.hpp"

namespace herd::test {
namespace {

UniqueFd ask_about(long number) {
  const std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  auto listener = seccomp::install_with_listener(program);
  if (!listener)
    throw std::system_error(listener.error().errno_value, std::generic_category(), "a filter that asks");
  return std::move(*listener);
}

}  // namespace

const long Asker::kCall = SYS_getppid;

std::shared_ptr<const seccomp::Program> filter_of(std::uint32_t answer) {
  auto program = std::make_shared<seccomp::Program>();
  program->instructions = {BPF_STMT(BPF_RET | BPF_K, answer)};
  return program;
}

Asker::Asker(long calls) {
  std::promise<UniqueFd> made;
  auto listener = made.get_future();
  thread_ = std::thread([this, calls, made = std::move(made)]() mutable {
    try {
      made.set_value(ask_about(kCall));
    } catch (...) {
      return made.set_exception(std::current_exception());
    }
    run(calls);
  });
  try {
    listener_ = listener.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

Asker::~Asker() {
  call_no_more();
  listener_.reset();
  if (thread_.joinable()) thread_.join();
}

void Asker::run(long calls) {
  for (long i = 0; i < calls && !is_over_; ++i) results_.insert(::syscall(kCall) < 0 ? errno : 0);
}

UniqueFd Asker::listener() const {
  return UniqueFd(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
}

std::set<int> Asker::results() {
  thread_.join();
  return results_;
}

bool can_ask() {
  try {
    const Asker asker(0);
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

}  // namespace herd::test

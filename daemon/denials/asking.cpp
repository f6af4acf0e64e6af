#include "daemon/denials/asking.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "common/kernel/files.hpp"
#include "common/kernel/process.hpp"

namespace herd::denials {
namespace {

std::string in_proc(std::uint32_t thread, const char* file) {
  return "/proc/" + std::to_string(thread) + "/" + file;
}

std::string program_of(std::uint32_t thread) {
  std::array<char, kMaxExe> path{};
  const ssize_t count = ::readlink(in_proc(thread, "exe").c_str(), path.data(), path.size());
  return count < 0 ? "" : std::string(path.data(), static_cast<std::size_t>(count));
}

std::string name_of(std::uint32_t thread) {
  std::string name = kernel::read_record(in_proc(thread, "comm")).value_or("");
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

/// The thread group's number; -1 where it can't be read.
pid_t process_of(std::uint32_t thread) {
  constexpr std::string_view kField = "\nTgid:\t";
  const auto status = kernel::read_record(in_proc(thread, "status"));
  const std::size_t at = status ? status->find(kField) : std::string::npos;
  return at == std::string::npos ? -1 : std::atoi(status->c_str() + at + kField.size());
}

bool is_kill(std::uint32_t answer) {
  const std::uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD;
}

}  // namespace

Asking::Asking(WorkerKey key, seccomp::Listener listener, std::shared_ptr<const seccomp::Program> filter,
               const seccomp::Evaluator& evaluator, SteadyTime now)
    : bucket{BudgetLimits{}.worker_burst, now},
      key_(key),
      listener_(std::move(listener)),
      filter_(std::move(filter)),
      evaluator_(evaluator) {}

Result<std::shared_ptr<Asking>> Asking::make(WorkerKey key, UniqueFd listener,
                                             std::shared_ptr<const seccomp::Program> filter, SteadyTime now) {
  HERD_TRY(seccomp::Listener own, seccomp::Listener::make(std::move(listener)));
  HERD_TRY(const seccomp::Evaluator evaluator, seccomp::Evaluator::make(filter->instructions));
  own.answer_on_the_callers_processor();
  return std::shared_ptr<Asking>(new Asking(key, std::move(own), std::move(filter), evaluator, now));
}

Result<std::optional<Record>> Asking::answer_one() {
  const seccomp_notif* call = listener_.receive();
  if (call == nullptr) {
    shares_listener_ = errno == EINTR;
    return std::nullopt;
  }
  const std::uint32_t meant = evaluator_.run(call->data);
  Record record;
  record.time = std::chrono::system_clock::now();
  record.pid = static_cast<pid_t>(call->pid);
  record.comm = name_of(call->pid);
  record.exe = program_of(call->pid);
  record.arch = call->data.arch;
  record.number = call->data.nr;
  record.code = meant & SECCOMP_RET_ACTION_FULL;
  record.arguments.emplace();
  std::copy(std::begin(call->data.args), std::end(call->data.args), record.arguments->begin());
  if (!listener_.still_waits(call->id)) return std::nullopt;  // the number may be somebody else's by now
  HERD_CHECK(answer(*call, meant, record));
  return record;
}

Status Asking::answer(const seccomp_notif& call, std::uint32_t meant, Record& record) {
  if (is_kill(meant)) return end_process(call, record);
  switch (meant & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ERRNO:
      listener_.fail_call(call.id, static_cast<int>(meant & SECCOMP_RET_DATA));
      return {};
    case SECCOMP_RET_LOG:
      listener_.go_on(call.id);
      return {};
    default:  // the filter was checked: it asks for nothing else
      listener_.fail_call(call.id, EPERM);
      return {};
  }
}

/// What seccomp would have done. It waits for its answer until then, and gets none.
Status Asking::end_process(const seccomp_notif& call, Record& record) {
  const pid_t process = process_of(call.pid);
  const UniqueFd pidfd(process > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, process, 0)) : -1);
  const int why = process > 0 ? errno : ESRCH;
  if (!listener_.still_waits(call.id)) return {};  // it has ended
  if (!pidfd) return fail_errno("end a process for a denied call: pidfd_open", why);
  record.pid = process;
  record.signal = SIGSYS;
  return kernel::send_signal(pidfd.get(), SIGKILL);
}

}  // namespace herd::denials

#include "common/kernel/clone.hpp"

#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace herd::kernel {
namespace {

constexpr std::size_t kStackSize = 128 * 1024;

// The child starts on an empty stack, so it can't return through the C frame that made the call: the entry is
// called from here and its result goes straight to exit(2).
long raw_clone3(clone_args* args, int (*entry)(void*), void* argument) {
#if defined(__x86_64__)
  long result;
  register int (*child_entry)(void*) __asm__("r8") = entry;
  register void* child_argument __asm__("r9") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r9, %%rdi\n\t"
      "callq *%%r8\n\t"
      "movl %%eax, %%edi\n\t"
      "movl %[exit], %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:\n\t"
      : "=a"(result)
      : "0"(static_cast<long>(SYS_clone3)), "D"(args), "S"(sizeof *args), "r"(child_entry),
        "r"(child_argument), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long number __asm__("x8") = SYS_clone3;
  register long first __asm__("x0") = reinterpret_cast<long>(args);
  register long size __asm__("x1") = sizeof *args;
  register int (*child_entry)(void*) __asm__("x10") = entry;
  register void* child_argument __asm__("x11") = argument;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x30, #0\n\t"
      "mov x0, x11\n\t"
      "blr x10\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n\t"
      "brk #0\n"
      "1:\n\t"
      : "+r"(first)
      : "r"(number), "r"(size), "r"(child_entry), "r"(child_argument), [exit] "i"(SYS_exit)
      : "memory", "cc");
  return first;
#else
#error "herd knows x86_64 and aarch64"
#endif
}

/// The child's stack, with a guard page below it; one a call, as each caller's thread waits for its child.
class Stack {
 public:
  Stack()
      : base_(mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                   0)) {
    if (base_ != MAP_FAILED) mprotect(base_, 4096, PROT_NONE);
  }
  ~Stack() {
    if (base_ != MAP_FAILED) munmap(base_, kStackSize);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  [[nodiscard]] bool is_mapped() const { return base_ != MAP_FAILED; }
  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(base_); }

 private:
  void* base_;
};

}  // namespace

Result<Cloned> clone_vfork(const CloneOptions& options, int (*entry)(void*), void* argument) {
  const Stack stack;
  if (!stack.is_mapped()) return fail_errno("mmap a stack");
  int pidfd = -1;
  clone_args args{};
  args.flags = options.flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = stack.address();
  args.stack_size = kStackSize;
  if (options.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(options.cgroup);
  }
  const long pid = raw_clone3(&args, entry, argument);
  if (pid < 0) return fail_errno("clone3", static_cast<int>(-pid));
  return Cloned{static_cast<pid_t>(pid), UniqueFd(pidfd)};
}

}  // namespace herd::kernel

#include "common/kernel/clone.hpp"

#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <atomic>
#include <new>

#include "common/kernel/raw_syscall.hpp"

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

/// Without libc: the child may be reading the errno that they share.
void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  raw_syscall(SYS_futex, reinterpret_cast<long>(&word), FUTEX_WAIT, value);
}

}  // namespace

/// The child's stack, with a guard page below it. At its top stands the word that the kernel clears, and
/// wakes, when the child lets go of this memory (CLONE_CHILD_CLEARTID).
class SharingChild::Stack {
 public:
  Stack()
      : base_(mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                   0)) {
    if (!is_mapped()) return;
    mprotect(base_, 4096, PROT_NONE);
    in_use_ = new (static_cast<char*>(base_) + kStackSize - kWordRoom) std::atomic<std::uint32_t>(1);
  }
  ~Stack() {
    if (is_mapped()) munmap(base_, kStackSize);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  [[nodiscard]] bool is_mapped() const { return base_ != MAP_FAILED; }
  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(base_); }
  [[nodiscard]] std::uint64_t size() const { return kStackSize - kWordRoom; }
  [[nodiscard]] std::uint64_t word() const { return reinterpret_cast<std::uint64_t>(in_use_); }
  void wait_for_release() {
    while (in_use_->load() != 0) wait_while(*in_use_, 1);
  }

 private:
  static constexpr std::size_t kWordRoom = 64;  // keeps the stack's alignment
  void* base_;
  std::atomic<std::uint32_t>* in_use_ = nullptr;
};

SharingChild::SharingChild(Cloned cloned, std::unique_ptr<Stack> stack)
    : cloned_(std::move(cloned)), stack_(std::move(stack)) {}

Result<SharingChild> SharingChild::start(const CloneOptions& options, int (*entry)(void*), void* argument) {
  auto stack = std::make_unique<Stack>();
  if (!stack->is_mapped()) return fail_errno("mmap a stack");
  int pidfd = -1;
  clone_args args{};
  args.flags = options.flags | CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_CHILD_CLEARTID;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.child_tid = stack->word();
  args.exit_signal = (options.flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;  // a sibling has the caller's
  args.stack = stack->address();
  args.stack_size = stack->size();
  if (options.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(options.cgroup);
  }
  const long pid = raw_clone3(&args, entry, argument);
  if (pid < 0) return fail_errno("clone3", static_cast<int>(-pid));
  return SharingChild(Cloned{static_cast<pid_t>(pid), UniqueFd(pidfd)}, std::move(stack));
}

SharingChild::SharingChild(SharingChild&&) noexcept = default;

SharingChild::~SharingChild() {
  if (stack_) stack_->wait_for_release();
}

Cloned SharingChild::wait_for_release() && {
  stack_->wait_for_release();
  return std::move(cloned_);
}

Result<Cloned> clone_vfork(const CloneOptions& options, int (*entry)(void*), void* argument) {
  HERD_TRY(SharingChild child, SharingChild::start(options, entry, argument));
  return std::move(child).wait_for_release();
}

}  // namespace herd::kernel

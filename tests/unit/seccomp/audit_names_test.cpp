#include "common/seccomp/audit_names.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

namespace herd::seccomp {
namespace {

std::string text_of(const CallName& name) {
  return name.syscall + " " + name.arch;
}

TEST(AuditNames, ACallIsNamedByItsOwnTable) {
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_X86_64, 101)), "ptrace x86_64");
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_I386, 26)), "ptrace i386");
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_AARCH64, 117)), "ptrace aarch64");
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_X86_64, 0x40000000 + 39)), "getpid x32");
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_X86_64, 0x40000000 + 521)), "ptrace x32");
}

TEST(AuditNames, WhatHasNoNameKeepsItsNumber) {
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_X86_64, 9999)), "syscall 9999 x86_64");
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_X86_64, -1)), "syscall -1 x86_64");
  EXPECT_EQ(text_of(name_call(AUDIT_ARCH_X86_64, 0x7fff'ffff'ffff)), "syscall 140737488355327 x32");
  EXPECT_EQ(text_of(name_call(0x1234, 1)), "syscall 1 0x00001234");
}

TEST(AuditNames, ActionsAreTheKernelsWords) {
  EXPECT_EQ(action_name(SECCOMP_RET_ERRNO | 1), "errno");
  EXPECT_EQ(action_name(SECCOMP_RET_LOG), "log");
  EXPECT_EQ(action_name(SECCOMP_RET_KILL_PROCESS), "kill_process");
  EXPECT_EQ(action_name(0x12340000), "unknown");
}

}  // namespace
}  // namespace herd::seccomp

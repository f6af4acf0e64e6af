// Records as Linux 6.18 wrote them, and texts that nobody should send.
#include "daemon/denials/record.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>

#include <random>

namespace herd::denials {
namespace {

const std::string kRecord =
    "audit(1795331909.610:606487): auid=4294967295 uid=1900000007 gid=1900000007 ses=4294967295 pid=26577 "
    "comm=\"python3\" exe=\"/usr/bin/python3.11\" sig=0 arch=c000003e syscall=161 compat=0 "
    "ip=0x7f7d4831f829 code=0x50000";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kRecord;
  return text.replace(text.find(from), from.size(), to);
}

TEST(AuditRecord, IsRead) {
  const auto record = parse_record(kRecord);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->time.time_since_epoch(), std::chrono::milliseconds(1795331909610));
  EXPECT_EQ(record->uid, 1900000007U);
  EXPECT_EQ(record->pid, 26577);
  EXPECT_EQ(record->comm, "python3");
  EXPECT_EQ(record->exe, "/usr/bin/python3.11");
  EXPECT_EQ(record->signal, 0);
  EXPECT_EQ(record->arch, AUDIT_ARCH_X86_64);
  EXPECT_EQ(record->number, 161);
  EXPECT_EQ(record->code, 0x50000U);
}

TEST(AuditRecord, ALabelOfASecurityModuleIsPassedBy) {
  EXPECT_TRUE(parse_record(with(" pid=", " subj=unconfined_u:unconfined_r:unconfined_t:s0 pid=")));
  EXPECT_TRUE(parse_record(with(" pid=", " subj=snap.x (enforce) pid=")));
}

TEST(AuditRecord, ACallOfAnotherTableAndAKillAreRead) {
  const auto x32 = parse_record(with("syscall=161", "syscall=1073741863"));
  ASSERT_TRUE(x32);
  EXPECT_EQ(x32->number, 0x40000000 + 39);
  const auto killed = parse_record(with("code=0x50000", "code=0x80000000"));
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->code, 0x80000000U);
}

TEST(AuditRecord, NamesInHexadecimalDigitsAreDecoded) {
  const auto record = parse_record(with("\"python3\"", "612062220A"));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->comm, "a b\"\n");
  EXPECT_EQ(parse_record(with("\"python3\"", "(null)"))->comm, "");
  EXPECT_EQ(parse_record(with("\"python3\"", "\"\""))->comm, "");
}

// A program that calls itself so is written in digits by the kernel; a text that was not is no record.
TEST(AuditRecord, ANameCanNotPassForAField) {
  EXPECT_FALSE(parse_record(with("\"python3\"", "\"x uid=0\"")));
  EXPECT_FALSE(parse_record(with("\"python3\"", "\"x\" uid=0")));
  EXPECT_FALSE(parse_record(with("\"python3\"", "\"a\"b\"")));
}

TEST(AuditRecord, WhatIsNotWholeIsRefused) {
  for (const char* field :
       {" uid=1900000007", " pid=26577", " comm=\"python3\"", " exe=\"/usr/bin/python3.11\"", " sig=0",
        " arch=c000003e", " syscall=161", " code=0x50000"})
    EXPECT_FALSE(parse_record(with(field, ""))) << field;
  for (const auto& [from, to] : {std::pair{"uid=1900000007", "uid=4294967296"},
                                 {"uid=1900000007", "uid=-1"},
                                 {"pid=26577", "pid=0"},
                                 {"pid=26577", "pid=-5"},
                                 {"pid=26577", "pid=99999999999"},
                                 {"pid=26577", "pid="},
                                 {"sig=0", "sig=x"},
                                 {"arch=c000003e", "arch=1c000003e"},
                                 {"arch=c000003e", "arch=zz"},
                                 {"syscall=161", "syscall=99999999999999999999"},
                                 {"syscall=161", "syscall=161 syscall=1"},
                                 {"code=0x50000", "code=50000"},
                                 {"\"python3\"", "\"python3"},
                                 {"\"python3\"", "\""},
                                 {"\"python3\"", ""},
                                 {"\"python3\"", "616"},
                                 {"\"python3\"", "6g"},
                                 {"\"python3\"", "6a"},
                                 {"audit(", "audt("},
                                 {"): ", ")"},
                                 {"1795331909.610", "1795331909"},
                                 {"1795331909.610", "99999999999999.610"},
                                 {"1795331909.610", ".610"},
                                 {".610", ".9999"},
                                 {":606487", ":"},
                                 {":606487", ""}})
    EXPECT_FALSE(parse_record(with(from, to))) << from << " -> " << to;
  EXPECT_FALSE(parse_record(""));
  EXPECT_FALSE(parse_record("audit("));
  EXPECT_FALSE(parse_record(std::string(kMaxRecord + 1, 'x')));
  const std::string longest = with("\"/usr/bin/python3.11\"", std::string(8192, '4'));
  EXPECT_EQ(parse_record(longest)->exe.size(), 4096U);
}

TEST(AuditRecord, NoPartOfOneIsOne) {
  for (std::size_t size = 0; size < kRecord.find("code="); ++size)
    EXPECT_FALSE(parse_record(std::string_view(kRecord).substr(0, size))) << size;
}

TEST(AuditRecord, ChangedBytesDoNoHarm) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = kRecord;
    for (int change = 0; change < 3; ++change)
      text[random() % text.size()] = static_cast<char>(random() % 256);
    const auto record = parse_record(text);
    EXPECT_TRUE(!record || record->pid > 0) << text;
  }
}

}  // namespace
}  // namespace herd::denials

#include "common/kernel/mountinfo.hpp"

#include <gtest/gtest.h>

namespace herd::kernel {
namespace {

TEST(Mountinfo, HasItsFieldsByPlace) {
  const auto mounts = parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
      "37 36 0:5 / /proc ro,nosuid - proc proc rw\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].device, "98:0");
  EXPECT_EQ(mounts[0].root, "/mnt1");
  EXPECT_EQ(mounts[0].point, "/mnt 2");
  EXPECT_EQ(mounts[0].options, "rw,noatime");
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_EQ(mounts[0].super_options, "rw,errors=continue");
  EXPECT_FALSE(mounts[0].is_read_only());
  EXPECT_TRUE(mounts[1].is_read_only());
  EXPECT_EQ(mounts[1].type, "proc");
}

TEST(Mountinfo, AnOptionIsAWholeWord) {
  const Mount mount{.device = {},
                    .root = {},
                    .point = {},
                    .options = "rw,nosuid,nodevice",
                    .type = {},
                    .super_options = {}};
  EXPECT_TRUE(mount.has("rw"));
  EXPECT_TRUE(mount.has("nosuid"));
  EXPECT_FALSE(mount.has("nodev"));
  EXPECT_FALSE(mount.has(""));
}

TEST(Mountinfo, ALineThatIsCutOffHasEmptyFields) {
  EXPECT_TRUE(parse_mountinfo("").empty());
  const auto mounts = parse_mountinfo("100 99 0:50 / /srv");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].point, "/srv");
  EXPECT_EQ(mounts[0].options, "");
  EXPECT_FALSE(mounts[0].is_read_only());
}

TEST(MountPath, ItsOctalEscapesAreResolved) {
  EXPECT_EQ(unescape_mount(R"(/srv/my\040data)"), "/srv/my data");
  EXPECT_EQ(unescape_mount(R"(\011\012\134)"), "\t\n\\");
  EXPECT_EQ(unescape_mount("/plain"), "/plain");
  EXPECT_EQ(unescape_mount(""), "");
}

TEST(MountPath, WhatIsNoEscapeStaysAsItIs) {
  EXPECT_EQ(unescape_mount(R"(/a\04)"), R"(/a\04)");
  EXPECT_EQ(unescape_mount(R"(/a\)"), R"(/a\)");
  EXPECT_EQ(unescape_mount(R"(/a\089)"), R"(/a\089)");
}

}  // namespace
}  // namespace herd::kernel

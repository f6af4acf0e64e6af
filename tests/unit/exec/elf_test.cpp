// ELF files that are broken in every way that a byte can be: an error or an answer, never more.
#include "daemon/exec/elf.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>

#include "common/unique_fd.hpp"
#include "daemon/exec/loader_cache.hpp"

namespace herd::exec {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<ElfNeeds> needs_of(const std::string& content) {
  const UniqueFd file(::memfd_create("elf", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return read_elf(file.get());
}

TEST(Elf, SaysWhatAProgramNeeds) {
  const auto needs = needs_of(content_of("/bin/sh"));
  ASSERT_TRUE(needs) << needs.error().message;
  EXPECT_THAT(needs->interpreter, ::testing::StartsWith("/lib"));
  EXPECT_THAT(needs->libraries, ::testing::Contains("libc.so.6"));
}

TEST(Elf, BrokenAnywhereItIsRefusedOrRead) {
  const std::string good = content_of("/bin/sh");
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof header);
  const std::size_t headers = header.e_phoff + std::size_t{header.e_phnum} * sizeof(Elf64_Phdr);
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string broken = good;
    for (int bytes = 1 + static_cast<int>(random() % 4); bytes > 0; --bytes)
      broken[random() % headers] = static_cast<char>(random());
    if (!needs_of(broken)) ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST(Elf, CutOffAnywhereItIsRefusedOrRead) {
  const std::string good = content_of("/bin/sh");
  for (std::size_t size = 0; size < 1200; ++size) (void)needs_of(good.substr(0, size));
  EXPECT_EQ(needs_of(good.substr(0, 63)).error().errno_value, ENOEXEC);
  EXPECT_EQ(needs_of("").error().errno_value, ENOEXEC);
}

TEST(Elf, AProgramOfAnotherKindIsRefused) {
  std::string program = content_of("/bin/sh");
  program[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(needs_of(program).error().errno_value, ENOEXEC);
}

TEST(LoaderCache, KnowsTheHostsLibraries) {
  const auto cache = parse_loader_cache(content_of("/etc/ld.so.cache"));
  ASSERT_TRUE(cache.contains("libc.so.6"));
  EXPECT_THAT(cache.at("libc.so.6").front(), ::testing::EndsWith("/libc.so.6"));
}

// As ldconfig wrote it before glibc 2.32: the older format, then, aligned, the newer one.
TEST(LoaderCache, IsFoundBehindTheOlderFormat) {
  std::string older("ld.so-1.7.0\0\1\0\0\0", 16);
  older += std::string(12, 'x') + std::string(4, '\0');  // one entry, and the alignment to 8
  const std::string newer = content_of("/etc/ld.so.cache");
  EXPECT_EQ(parse_loader_cache(older + newer), parse_loader_cache(newer));
}

TEST(LoaderCache, BrokenItIsEmptyOrRead) {
  const std::string good = content_of("/etc/ld.so.cache");
  EXPECT_TRUE(parse_loader_cache("").empty());
  EXPECT_TRUE(parse_loader_cache("glibc-ld.so.cache1.1").empty());
  for (std::size_t size = 0; size < 400; ++size) (void)parse_loader_cache(good.substr(0, size));
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    std::string broken = good;
    for (int bytes = 0; bytes < 8; ++bytes)
      broken[random() % std::min<std::size_t>(good.size(), 4096)] = static_cast<char>(random());
    (void)parse_loader_cache(broken);
  }
}

}  // namespace
}  // namespace herd::exec

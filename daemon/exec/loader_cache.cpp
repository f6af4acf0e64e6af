#include "daemon/exec/loader_cache.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace herd::exec {
namespace {

constexpr char kMagic[] = "glibc-ld.so.cache1.1";
constexpr char kOldMagic[] = "ld.so-1.7.0";
constexpr std::uint32_t kElfLibc6 = 3;
#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = 0x0300;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = 0x0a00;
#else
#error "the flag of this architecture in ld.so.cache: see sysdeps/generic/ldconfig.h of glibc"
#endif

struct Header {
  char magic[sizeof kMagic - 1];
  std::uint32_t count, strings_size;
  std::uint32_t unused[5];
};

struct Entry {
  std::uint32_t flags;
  std::uint32_t name, path;  // offsets from the file's begin
  std::uint32_t unused;
  std::uint64_t hwcap;
};

struct OldHeader {
  char magic[12];
  std::uint32_t count;
};
struct OldEntry {
  std::uint32_t flags, name, path;
};

/// Without the older format's part; what is left has its offsets from its own begin.
std::string_view newer_part(std::string_view content) {
  OldHeader header;
  if (!content.starts_with(kOldMagic) || content.size() < sizeof header) return content;
  std::memcpy(&header, content.data(), sizeof header);
  const std::size_t end = sizeof header + std::size_t{header.count} * sizeof(OldEntry);
  constexpr std::size_t kAlignment = alignof(std::uint64_t);
  return content.substr(std::min(content.size(), (end + kAlignment - 1) / kAlignment * kAlignment));
}

std::string string_at(std::string_view content, std::size_t offset) {
  const std::size_t end = offset < content.size() ? content.find('\0', offset) : std::string_view::npos;
  return std::string(end == std::string_view::npos ? "" : content.substr(offset, end - offset));
}

}  // namespace

LoaderCache parse_loader_cache(const std::string& file) {
  static_assert(sizeof(Header) == 48 && sizeof(Entry) == 24 && sizeof(OldHeader) == 16);
  const std::string_view content = newer_part(file);
  LoaderCache cache;
  if (content.size() < sizeof(Header) || !content.starts_with(kMagic)) return cache;
  Header header;
  std::memcpy(&header, content.data(), sizeof header);
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const std::size_t at = sizeof(Header) + std::size_t{i} * sizeof(Entry);
    if (at + sizeof(Entry) > content.size()) break;
    Entry entry;
    std::memcpy(&entry, content.data() + at, sizeof entry);
    if (entry.flags != (kArchitecture | kElfLibc6)) continue;
    const std::string name = string_at(content, entry.name), path = string_at(content, entry.path);
    if (!name.empty() && !path.empty()) cache[name].push_back(path);
  }
  return cache;
}

}  // namespace herd::exec

#include "daemon/exec/elf.hpp"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>

#include "common/text.hpp"

namespace herd::exec {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#endif
constexpr std::size_t kMostSegments = 256;
constexpr std::size_t kMostDynamic = 4096;

class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  Result<ElfNeeds> read() {
    HERD_CHECK(read_header());
    HERD_CHECK(read_segments());
    ElfNeeds needs;
    if (const Elf64_Phdr* segment = find(PT_INTERP)) {
      HERD_TRY(needs.interpreter, string_at(segment->p_offset));
    }
    HERD_CHECK(read_dynamic(needs));
    return needs;
  }

 private:
  Status read_header() {
    HERD_CHECK(fill(&header_, sizeof header_, 0));
    const unsigned char* id = header_.e_ident;
    if (std::memcmp(id, ELFMAG, SELFMAG) != 0) return fail_errno("the ELF header", ENOEXEC);
    if (id[EI_CLASS] != ELFCLASS64 || id[EI_DATA] != ELFDATA2LSB || header_.e_machine != kMachine ||
        header_.e_phentsize != sizeof(Elf64_Phdr))
      return fail_errno("not a program of this machine's 64-bit kind", ENOEXEC);
    return {};
  }

  Status read_segments() {
    if (header_.e_phnum > kMostSegments) return fail_errno("too many ELF segments", ENOEXEC);
    segments_.resize(header_.e_phnum);
    return fill(segments_.data(), segments_.size() * sizeof(Elf64_Phdr), header_.e_phoff);
  }

  Status read_dynamic(ElfNeeds& needs) {
    const Elf64_Phdr* segment = find(PT_DYNAMIC);
    if (segment == nullptr) return {};
    std::vector<Elf64_Dyn> entries(std::min(segment->p_filesz / sizeof(Elf64_Dyn), kMostDynamic));
    HERD_CHECK(fill(entries.data(), entries.size() * sizeof(Elf64_Dyn), segment->p_offset));
    entries.erase(std::ranges::find(entries, DT_NULL, &Elf64_Dyn::d_tag), entries.end());
    const auto table = std::ranges::find(entries, DT_STRTAB, &Elf64_Dyn::d_tag);
    if (table == entries.end()) return {};
    const auto strings = file_offset(table->d_un.d_ptr);
    if (!strings) return fail_errno("the ELF string table lies nowhere", ENOEXEC);
    for (const Elf64_Dyn& entry : entries) {
      if (entry.d_tag != DT_NEEDED && entry.d_tag != DT_RPATH && entry.d_tag != DT_RUNPATH) continue;
      HERD_TRY(const std::string text, string_at(*strings + entry.d_un.d_val));
      if (entry.d_tag == DT_NEEDED) needs.libraries.push_back(text);
      if (entry.d_tag == DT_RPATH) needs.rpath = split(text, ':');
      if (entry.d_tag == DT_RUNPATH) needs.runpath = split(text, ':');
    }
    if (!needs.runpath.empty()) needs.rpath.clear();
    return {};
  }

  [[nodiscard]] const Elf64_Phdr* find(Elf64_Word type) const {
    const auto found = std::ranges::find(segments_, type, &Elf64_Phdr::p_type);
    return found == segments_.end() ? nullptr : &*found;
  }

  [[nodiscard]] std::optional<std::uint64_t> file_offset(Elf64_Addr address) const {
    for (const Elf64_Phdr& segment : segments_)
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
          address - segment.p_vaddr < segment.p_filesz)
        return segment.p_offset + (address - segment.p_vaddr);
    return std::nullopt;
  }

  Result<std::string> string_at(std::uint64_t offset) const {
    char text[PATH_MAX];
    const ssize_t count = pread(fd_, text, sizeof text, static_cast<off_t>(offset));
    const void* end = count > 0 ? std::memchr(text, '\0', static_cast<std::size_t>(count)) : nullptr;
    if (end == nullptr) return fail_errno("an ELF string has no end", ENOEXEC);
    return std::string(text);
  }

  Status fill(void* buffer, std::size_t size, std::uint64_t offset) const {
    const ssize_t count = pread(fd_, buffer, size, static_cast<off_t>(offset));
    if (count == static_cast<ssize_t>(size)) return {};
    return fail_errno("read the ELF headers", count < 0 && errno != EINVAL ? errno : ENOEXEC);
  }

  int fd_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
};

}  // namespace

Result<ElfNeeds> read_elf(int fd) {
  return Reader(fd).read();
}

}  // namespace herd::exec

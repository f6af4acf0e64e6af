#include "common/kernel/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "common/kernel/files.hpp"

#ifndef MFD_NOEXEC_SEAL  // Linux 6.3; older headers lack the names
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif

namespace herd::kernel {
namespace {

// Since 6.3 the kernel wants to be told whether a memfd may be executed; before it the flags are EINVAL.
Result<UniqueFd> create(const char* name, unsigned exec_flag) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(memfd_create(name, kFlags | exec_flag));
  if (!fd && errno == EINVAL) fd.reset(memfd_create(name, kFlags));
  if (!fd) return fail_errno("memfd_create");
  return fd;
}

Status seal(const UniqueFd& fd) {
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return fail_errno("seal a memfd");
  return {};
}

}  // namespace

Result<UniqueFd> sealed_memfd(const char* name, std::string_view content) {
  HERD_TRY(UniqueFd fd, create(name, MFD_NOEXEC_SEAL));
  HERD_CHECK(write_all(fd.get(), content));
  if (lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("rewind a memfd");
  HERD_CHECK(seal(fd));
  return fd;
}

Result<std::string> read_memfd(int fd, std::size_t max) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail_errno("stat");
  if (static_cast<std::size_t>(info.st_size) > max) return fail_errno("read", EFBIG);
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t count = pread(fd, text.data(), text.size(), 0);
  if (count != info.st_size) return fail_errno("read", count < 0 ? errno : EIO);
  return text;
}

bool is_sealed(int fd) {
  constexpr int kWanted = F_SEAL_WRITE | F_SEAL_SHRINK;
  const int seals = fcntl(fd, F_GET_SEALS);  // -1 for what is no memory file
  return seals >= 0 && (seals & kWanted) == kWanted;
}

Result<UniqueFd> sealed_program(const std::string& path) {
  UniqueFd source(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return fail_errno("open '" + path + "'");
  struct stat info {};
  if (fstat(source.get(), &info) != 0) return fail_errno("stat '" + path + "'");
  if (!S_ISREG(info.st_mode)) return fail("'" + path + "' is not a file");
  HERD_TRY(UniqueFd copy, create("herd-exec", MFD_EXEC));
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t sent = sendfile(copy.get(), source.get(), nullptr, static_cast<std::size_t>(left));
    if (sent <= 0) return fail_errno("copy '" + path + "'", sent == 0 ? EIO : errno);
    left -= sent;
  }
  if (fchmod(copy.get(), 0500) != 0) return fail_errno("chmod the copy of '" + path + "'");
  HERD_CHECK(seal(copy));
  return copy;
}

}  // namespace herd::kernel

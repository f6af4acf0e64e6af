#include "common/seccomp/export.hpp"

#include "common/kernel/memfd.hpp"

namespace herd::seccomp {

Result<UniqueFd> to_sealed_memfd(const Program& program) {
  const std::string_view content(reinterpret_cast<const char*>(program.instructions.data()),
                                 program.instructions.size() * sizeof(sock_filter));
  return kernel::sealed_memfd("herd-seccomp", content);
}

}  // namespace herd::seccomp

#include "common/kernel/freezer.hpp"

#include <unistd.h>

namespace herd::kernel {

Status Freezer::write(std::string_view word) const {
  if (!file_) return fail_errno("freezer", ENOENT);
  if (pwrite(file_.get(), word.data(), word.size(), 0) != static_cast<ssize_t>(word.size()))
    return fail_errno("freezer: write '" + std::string(word) + "'");
  return {};
}

}  // namespace herd::kernel

#include "common/random.hpp"

#include <sys/random.h>

#include <stdexcept>
#include <vector>

namespace herd {

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  // So many at a time can't be interrupted or come up short (getrandom(2)).
  if (getrandom(random.data(), bytes, 0) != static_cast<ssize_t>(bytes))
    throw std::runtime_error("getrandom failed");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes);
  for (const unsigned char byte : random) text += {kHex[byte >> 4], kHex[byte & 15]};
  return text;
}

}  // namespace herd

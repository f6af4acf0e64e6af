#include "config/fields.hpp"

namespace herd::config {

std::string_view name(Applies applies) {
  switch (applies) {
    case Applies::live:
      return "live";
    case Applies::next_spawn:
      return "next spawn";
    case Applies::recycle:
      return "recycle";
    case Applies::restart:
      return "restart";
  }
  return "";
}

}  // namespace herd::config

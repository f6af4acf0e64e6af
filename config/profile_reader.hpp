// What the readers of both kinds of profile files share.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "config/document.hpp"
#include "config/kinds.hpp"
#include "config/profile_file.hpp"

namespace herd::config {

/// An object of a profile, read member by member.
class ProfileObject {
 public:
  ProfileObject(const Node& node, Place place) : node_(node), place_(std::move(place)) {}

  /// Refuses what is no object, and members with other names.
  bool has_only(std::initializer_list<std::string_view> names) const;
  /// Null where it is not there, or `null`: Docker's tools write absent parts so.
  [[nodiscard]] const Node* find(std::string_view name) const;
  [[nodiscard]] Place at(std::string_view name) const;
  void refuse(std::string message) const { place_.refuse(std::move(message)); }

  /// Leaves `value` where the member is absent; false where it was refused.
  template <typename Kind>
  bool read(std::string_view name, const Kind& kind, typename Kind::Value& value) const {
    const Node* node = find(name);
    return node == nullptr || read_value(kind, *node, at(name), value);
  }
  /// The same, but its absence is refused, too.
  template <typename Kind>
  bool require(std::string_view name, const Kind& kind, typename Kind::Value& value) const {
    if (find(name) != nullptr) return read(name, kind, value);
    refuse("\"" + std::string(name) + "\" is missing, expected " + kind.words());
    return false;
  }
  /// Calls `read_item(node, place)` for each item of a list.
  template <typename ReadItem>
  void each(std::string_view name, ReadItem read_item) const {
    const Node* list = find(name);
    if (list == nullptr) return;
    if (list->type != Node::Type::list) return at(name).refuse(unexpected(*list, "a list", false, {}));
    for (std::size_t i = 0; i < list->items.size(); ++i)
      read_item(list->items[i], Place{place_.issues, below(at(name).pointer, i), list->items[i].line});
  }

 private:
  const Node& node_;
  Place place_;
};

/// A list of names of syscalls; one that no architecture knows is refused with the nearest that is known.
ListOf<Text> syscall_names();
/// Refuses a name that no architecture knows.
bool check_syscall_name(const std::string& name, const Place& place);
/// 0 to 5.
Integer<unsigned> argument_index();
/// All 64 bits; a number, or text as "0x5412".
struct Argument64 {
  using Value = std::uint64_t;
  std::optional<std::uint64_t> parse(const Node& node) const;
  std::string words() const { return "a whole number of 64 bits, also as \"0x...\""; }
};
/// "EPERM", or its number.
struct ErrorNumber {
  using Value = int;
  std::optional<int> parse(const Node& node) const;
  std::string words() const { return "the name or number of an error, as \"EPERM\" or 1"; }
};

std::optional<seccomp::Profile> read_oci_profile(const Node& document, const std::string& name,
                                                 const ProfileContext& context, Issues& issues);
std::optional<seccomp::Profile> read_own_profile(const Node& document, const std::string& name,
                                                 const ProfileContext& context, Issues& issues);

}  // namespace herd::config

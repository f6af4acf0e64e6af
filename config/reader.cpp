#include "config/reader.hpp"

namespace herd::config {
namespace {

/// The names that an object may have, in the table's order.
template <typename Spec>
std::vector<std::string> known_names(const Table<Spec>& table, std::string_view pointer) {
  std::vector<std::string> names;
  for (const auto& field : table.fields) {
    if (parent_of(field.pointer) == pointer) names.emplace_back(last_of(field.pointer));
  }
  for (const auto& group : table.groups) {
    if (parent_of(group.pointer) == pointer) names.emplace_back(last_of(group.pointer));
  }
  return names;
}

std::string unknown_key(const std::string& name, const std::vector<std::string>& known) {
  const std::string what = "unknown key " + quote(name);
  if (known.empty()) return what + ": this object has no keys";
  if (const auto near = nearest(name, known)) return what + "; did you mean " + quote(*near) + "?";
  return what + "; expected " + one_of(known);
}

template <typename Spec>
class FieldReader {
 public:
  FieldReader(const Table<Spec>& table, Issues& issues, Spec& spec)
      : table_(table), issues_(issues), spec_(spec) {}

  void read_object(const Node& object, const std::string& pointer, int line) {
    for (const Member& member : object.members) read_member(member, pointer);
    for (const auto& field : table_.fields) {
      if (!field.is_required || parent_of(field.pointer) != pointer) continue;
      const std::string name{last_of(field.pointer)};
      if (object.find(name) == nullptr)
        issues_.add(line, field.pointer, quote(name) + " is missing, expected " + field.words);
    }
  }

 private:
  void read_member(const Member& member, const std::string& parent) {
    const Place place{issues_, below(parent, member.name), member.line};
    if (const auto* field = table_.find_field(place.pointer)) {
      field->read(member.value, place, spec_);
    } else if (const auto* group = table_.find_group(place.pointer)) {
      read_group(*group, member.value, place);
    } else {
      place.refuse(unknown_key(member.name, known_names(table_, parent)));
    }
  }

  void read_group(const Group<Spec>& group, const Node& node, const Place& place) {
    const bool may_be_off = group.form == Group<Spec>::Form::object_or_off;
    if (node.type == Node::Type::object) return read_object(node, group.pointer, place.line);
    if (node.type == Node::Type::text) {
      if (may_be_off && node.text == "off") return;
      if (!group.shorthand.empty())
        return table_.find_field(below(group.pointer, group.shorthand))->read(node, place, spec_);
    }
    std::string words = may_be_off ? "an object or \"off\"" : "an object";
    if (!group.shorthand.empty()) {
      words += " or " + table_.find_field(below(group.pointer, group.shorthand))->words;
    }
    place.refuse(unexpected(node, words, may_be_off || !group.shorthand.empty(), {}));
  }

  const Table<Spec>& table_;
  Issues& issues_;
  Spec& spec_;
};

}  // namespace

template <typename Spec>
void read_fields(const Table<Spec>& table, const Node& document, Issues& issues, Spec& spec) {
  if (document.type != Node::Type::object) {
    issues.add(document.line, "", unexpected(document, "an object", false, {}));
    return;
  }
  FieldReader<Spec>(table, issues, spec).read_object(document, "", document.line);
}

template void read_fields(const Table<PoolSpec>&, const Node&, Issues&, PoolSpec&);
template void read_fields(const Table<DaemonSpec>&, const Node&, Issues&, DaemonSpec&);

}  // namespace herd::config

#include "config/schema.hpp"

#include "config/fields.hpp"

namespace herd::config {
namespace {

template <typename Spec>
class SchemaWriter {
 public:
  explicit SchemaWriter(const Table<Spec>& table) : table_(table) {}

  Json object(std::string_view pointer) const {
    Json properties = Json::object();
    Json required = Json::array();
    for (const auto& field : table_.fields) {
      if (parent_of(field.pointer) != pointer) continue;
      const std::string name{last_of(field.pointer)};
      properties[name] = leaf(field);
      if (field.is_required) required.push_back(name);
    }
    for (const auto& group : table_.groups) {
      if (parent_of(group.pointer) == pointer) properties[std::string(last_of(group.pointer))] = inner(group);
    }
    Json out = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
    if (!required.empty()) out["required"] = required;
    return out;
  }

 private:
  static Json leaf(const Field<Spec>& field) {
    Json out = field.schema;
    out["description"] = field.doc + " Expected: " + field.words + ".";
    out["x-herd-applies"] = name(field.applies);
    if (!field.fallback.is_null()) out["default"] = field.fallback;
    return out;
  }

  Json inner(const Group<Spec>& group) const {
    Json out = object(group.pointer);
    Json alternative;
    if (group.form == Group<Spec>::Form::object_or_off) alternative = {{"const", "off"}};
    if (!group.shorthand.empty())
      alternative = table_.find_field(below(group.pointer, group.shorthand))->schema;
    if (!alternative.is_null()) out = {{"anyOf", Json::array({out, alternative})}};
    if (group.form == Group<Spec>::Form::object_or_off) out["default"] = "off";
    out["description"] = group.doc;
    return out;
  }

  const Table<Spec>& table_;
};

template <typename Spec>
Json make_schema(const Table<Spec>& table) {
  Json schema = SchemaWriter<Spec>(table).object("");
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = table.title;
  return schema;
}

}  // namespace

Json pool_schema() {
  return make_schema(pool_table());
}
Json daemon_schema() {
  return make_schema(daemon_table());
}

}  // namespace herd::config

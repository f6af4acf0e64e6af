// The one table of all fields. The reader, the JSON Schema, the reference pages and the reload diff are made
// from it: a new field is one entry in pool_fields.cpp or daemon_fields.cpp, and its member in the spec.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/daemon_spec.hpp"
#include "config/kinds.hpp"
#include "config/pool_spec.hpp"

namespace herd::config {

/// How a changed value gets to what already runs; each is more than the one before it.
enum class Applies {
  live,        // at once, to all
  next_spawn,  // to workers that start from now on
  recycle,     // every worker is replaced
  restart,     // the daemon reads it only when it starts
};
std::string_view name(Applies applies);

template <typename Spec>
struct Field {
  std::string pointer;
  Applies applies = Applies::live;
  std::string doc;
  bool is_required = false;  // where the object around it is there
  Json fallback;             // the default as a file would say it; null: absent
  std::string words;         // type and range, for people
  Json schema;
  std::function<void(const Node&, const Place&, Spec&)> read;
  std::function<Json(const Spec&)> write;  // null: absent
};

/// An object around fields.
template <typename Spec>
struct Group {
  enum class Form { object, object_or_off, object_or_absent };
  std::string pointer;
  std::string doc;
  Form form = Form::object;
  std::string shorthand;  // the member that a bare value in the object's place stands for
};

/// Where a field lives in its spec: a chain of members. Optional parts on the way are made when a field in
/// them is read.
template <typename Spec, typename Access>
struct Binding {
  Access access;  // Spec& -> pointer; const Spec& -> pointer, null where an optional part is empty
};

namespace detail {

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename Object, typename Member, typename... Rest>
auto* walk(Object& object, Member member, Rest... rest) {
  auto& next = object.*member;
  if constexpr (sizeof...(rest) == 0) {
    return &next;
  } else if constexpr (IsOptional<std::remove_cvref_t<decltype(next)>>::value) {
    if constexpr (!std::is_const_v<Object>) {
      if (!next) next.emplace();
    } else if (!next) {
      return decltype(walk(*next, rest...)){nullptr};
    }
    return walk(*next, rest...);
  } else {
    return walk(next, rest...);
  }
}

}  // namespace detail

template <typename Spec, typename Access>
Binding<Spec, Access> bind(Access access) {
  return {std::move(access)};
}

template <typename Spec, typename First, typename... Rest>
auto at(First Spec::*first, Rest... rest) {
  return bind<Spec>([=](auto& spec) { return detail::walk(spec, first, rest...); });
}

template <typename Spec>
struct Table {
  std::string title;
  std::vector<Group<Spec>> groups;
  std::vector<Field<Spec>> fields;

  void group(std::string pointer, std::string doc,
             typename Group<Spec>::Form form = Group<Spec>::Form::object, std::string shorthand = {}) {
    groups.push_back({std::move(pointer), std::move(doc), form, std::move(shorthand)});
  }

  template <typename Kind, typename Access>
  Field<Spec>& field(std::string pointer, Kind kind, Binding<Spec, Access> binding, Applies applies,
                     std::string doc) {
    Field<Spec> field;
    field.pointer = std::move(pointer);
    field.applies = applies;
    field.doc = std::move(doc);
    field.words = kind.words();
    field.schema = kind.schema();
    field.read = [=](const Node& node, const Place& place, Spec& spec) {
      read_value(kind, node, place, *binding.access(spec));
    };
    field.write = [=](const Spec& spec) {
      const auto* value = binding.access(spec);
      return value == nullptr ? Json() : kind.write(*value);
    };
    Spec defaults;
    field.fallback = kind.write(*binding.access(defaults));
    return fields.emplace_back(std::move(field));
  }

  /// A field that has no default.
  template <typename Kind, typename Access>
  void required(std::string pointer, Kind kind, Binding<Spec, Access> binding, Applies applies,
                std::string doc) {
    Field<Spec>& added = field(std::move(pointer), std::move(kind), binding, applies, std::move(doc));
    added.is_required = true;
    added.fallback = nullptr;
  }

  [[nodiscard]] const Field<Spec>* find_field(std::string_view pointer) const {
    for (const auto& field : fields) {
      if (field.pointer == pointer) return &field;
    }
    return nullptr;
  }
  [[nodiscard]] const Group<Spec>* find_group(std::string_view pointer) const {
    for (const auto& group : groups) {
      if (group.pointer == pointer) return &group;
    }
    return nullptr;
  }
};

const Table<PoolSpec>& pool_table();
const Table<DaemonSpec>& daemon_table();

}  // namespace herd::config

// A JSON file with `//` comments as a tree that knows the line of everything in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/issue.hpp"

namespace herd::config {

constexpr std::size_t kMaxFileSize = 1 << 20;
constexpr std::size_t kMaxDepth = 16;  // the deepest field stands at 4

struct Member;

struct Node {
  enum class Type { null, boolean, number, text, list, object };

  Type type = Type::null;
  int line = 1;
  bool boolean = false;
  std::string text;             // of a text: its value; of a number: as it was written
  std::vector<Node> items;      // of a list
  std::vector<Member> members;  // of an object, in the file's order

  [[nodiscard]] const Node* find(std::string_view name) const;
  /// The node at a pointer such as "/workers/min", null if there is none.
  [[nodiscard]] const Node* at(std::string_view pointer) const;
  /// The line of what stands at the pointer or, where nothing does, of the nearest thing around it.
  [[nodiscard]] int line_of(std::string_view pointer) const;
};

struct Member {
  std::string name;
  int line = 1;
  Node value;
};

/// Empty if the text is not JSON; then, and for each key given twice, `issues` has the reason.
std::optional<Node> parse_document(std::string_view text, Issues& issues);

}  // namespace herd::config

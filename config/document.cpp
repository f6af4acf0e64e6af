#include "config/document.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/text.hpp"

namespace herd::config {
namespace {

using Json = nlohmann::json;

/// Hands the text to the JSON lexer and remembers how far it has read: SAX events carry no position of their
/// own.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

class Builder {
 public:
  Builder(std::string_view text, Issues& issues) : text_(text), issues_(issues), furthest_(text.data()) {}

  std::optional<Node> run() {
    const CountingIterator begin(text_.data(), &furthest_);
    const CountingIterator end(text_.data() + text_.size(), &furthest_);
    if (!Json::sax_parse(begin, end, this, nlohmann::detail::input_format_t::json, true, true))
      return std::nullopt;
    return std::move(root_);
  }

  // The SAX interface: false ends the parse.
  bool null() {
    value(Node::Type::null);
    return true;
  }
  bool boolean(bool is_true) {
    value(Node::Type::boolean)->boolean = is_true;
    return true;
  }
  bool number_integer(Json::number_integer_t number) {
    return scalar(Node::Type::number, std::to_string(number));
  }
  bool number_unsigned(Json::number_unsigned_t number) {
    return scalar(Node::Type::number, std::to_string(number));
  }
  bool number_float(Json::number_float_t, const std::string& written) {
    return scalar(Node::Type::number, written);
  }
  bool string(std::string& text) { return scalar(Node::Type::text, std::move(text)); }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(std::size_t) { return open(Node::Type::object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Node::Type::list); }
  bool end_array() { return close(); }
  bool key(std::string& name);
  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::detail::exception& error);

 private:
  struct Open {
    Node* node;
    std::string pointer;
    std::map<std::string, int> seen;  // name -> line
  };

  // The lexer reads one character past a number, never past its line: the line of the character read last is
  // the token's line.
  int line() {
    const char* last = furthest_ == text_.data() ? furthest_ : furthest_ - 1;
    line_ += static_cast<int>(std::count(counted_to(), last, '\n'));
    counted_ = static_cast<std::size_t>(last - text_.data());
    return line_;
  }
  const char* counted_to() const { return text_.data() + counted_; }

  /// The node that the value now at hand goes to. A pointer to it holds while it is open: only the innermost
  /// grows.
  Node* value(Node::Type type) {
    Node* node = &root_;
    if (!open_.empty()) {
      Node& parent = *open_.back().node;
      node = parent.type == Node::Type::list ? &parent.items.emplace_back() : &parent.members.back().value;
    }
    node->type = type;
    node->line = line();
    return node;
  }
  bool scalar(Node::Type type, std::string text) {
    value(type)->text = std::move(text);
    return true;
  }
  bool open(Node::Type type);
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  Issues& issues_;
  const char* furthest_;
  std::size_t counted_ = 0;
  int line_ = 1;
  Node root_;
  std::vector<Open> open_;
};

bool Builder::open(Node::Type type) {
  std::string pointer;
  if (!open_.empty()) {
    const Open& parent = open_.back();
    pointer = parent.node->type == Node::Type::list ? below(parent.pointer, parent.node->items.size())
                                                    : below(parent.pointer, parent.node->members.back().name);
  }
  Node* node = value(type);
  if (open_.size() >= kMaxDepth) {
    issues_.add(node->line, pointer, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    return false;
  }
  open_.push_back({node, std::move(pointer), {}});
  return true;
}

bool Builder::key(std::string& name) {
  Open& object = open_.back();
  const int at = line();
  const auto [first, is_new] = object.seen.emplace(name, at);
  if (!is_new) {
    issues_.add(at, below(object.pointer, name),
                "the key " + quote(name) + " is given twice, first on line " + std::to_string(first->second));
  }
  object.node->members.push_back({std::move(name), at, {}});
  return true;
}

/// The JSON library's message without its own preamble; it quotes the file, so it is cut and made plain
/// ASCII.
std::string plain_message(std::string what) {
  constexpr std::size_t kLength = 240;
  if (const std::size_t id = what.find("] "); id != std::string::npos) what.erase(0, id + 2);
  if (const std::size_t text = what.find("syntax error "); text != std::string::npos)
    what.erase(0, text + 13);
  if (what.size() > kLength) what = what.substr(0, kLength) + "...";
  std::replace_if(
      what.begin(), what.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return what;
}

bool Builder::parse_error(std::size_t position, const std::string&,
                          const nlohmann::detail::exception& error) {
  // `position` counts characters from 1, and the end of the file as one more.
  const std::size_t at = std::min(position == 0 ? 0 : position - 1, text_.size());
  const std::string_view before = text_.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? at + 1 : at - newline;

  const std::string where = "column " + std::to_string(column) + ": ";
  issues_.add(static_cast<int>(line), "",
              where + (at == text_.size() ? "the file ends too early: " : "not valid JSON: ") +
                  plain_message(error.what()));
  return false;
}

std::string unescape(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '~' && i + 1 < name.size()) {
      out += name[++i] == '1' ? '/' : '~';
    } else {
      out += name[i];
    }
  }
  return out;
}

/// Walks towards `pointer`; returns the node there or null, and the line of the last thing that was found.
std::pair<const Node*, int> walk(const Node& root, std::string_view pointer) {
  const Node* node = &root;
  int line = root.line;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string name = unescape(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(std::min(pointer.find('/'), pointer.size()));
    const Node* next = nullptr;
    if (node->type == Node::Type::object) {
      for (const Member& member : node->members) {
        if (member.name != name) continue;
        next = &member.value;
        line = member.line;
        break;
      }
    } else if (node->type == Node::Type::list) {
      const bool is_index =
          !name.empty() && name.size() < 7 && name.find_first_not_of("0123456789") == std::string::npos;
      const std::size_t index = is_index ? std::stoul(name) : node->items.size();
      if (index < node->items.size()) {
        next = &node->items[index];
        line = next->line;
      }
    }
    if (next == nullptr) return {nullptr, line};
    node = next;
  }
  return {node, line};
}

}  // namespace

const Node* Node::find(std::string_view name) const {
  const auto it =
      std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == name; });
  return it == members.end() ? nullptr : &it->value;
}

const Node* Node::at(std::string_view pointer) const {
  return walk(*this, pointer).first;
}
int Node::line_of(std::string_view pointer) const {
  return walk(*this, pointer).second;
}

std::optional<Node> parse_document(std::string_view text, Issues& issues) {
  if (text.size() > kMaxFileSize) {
    issues.add(0, "", "larger than 1MiB, the most that a config file may have");
    return std::nullopt;
  }
  return Builder(text, issues).run();
}

}  // namespace herd::config

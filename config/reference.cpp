#include "config/reference.hpp"

#include "config/fields.hpp"

namespace herd::config {
namespace {

constexpr const char* kRules = R"(
## Rules for both kinds of files

- JSON with `//` comments. An unknown key, a key given twice, a wrong type or a value out of its range is an
  error, told with file, line and JSON pointer; all errors of all files are told at once, and while there is one
  nothing changes.
- A duration is a string of a whole number and a unit: `ms`, `s`, `m`, `h`, `d`. A size likewise: `B`, `KiB`,
  `MiB`, `GiB`, `TiB`. Zero never stands for "none": where something can be turned off the word is `"off"`.
- A file has to be a regular one, of 1MiB at most, that belongs to root or to the daemon's user and that nobody
  else may write to. The last two hold for the pools directory as well.
)";

constexpr const char* kPoolIntro = R"(# The pool file

One file describes one pool: `NAME.json` in the pools directory ([herd.json](herd-json.md)). The name is the
pool's: at most 63 of `a-z`, `0-9`, `_` and `-`, a letter or digit first. Files with other endings, and hidden
ones, are not read. Only `command` is required.

A changed file takes effect at the next reload, in the way that each field's table says: **live**: at once;
**next spawn**: for workers that start from then on; **recycle**: every worker is replaced, a bound one after its
session's end.
)";

constexpr const char* kDaemonIntro = R"(# herd.json

The daemon's own file, `/etc/herd/herd.json` unless `herdd --config` says otherwise. Nothing in it is required:
`{}` is a whole one. **live**: a change takes effect at the next reload; **restart**: when the daemon is started
anew. The default paths are root's: an ordinary user's are in [without root](../guide/without-root.md).
)";

template <typename Spec>
void write_fields(const Table<Spec>& table, std::string_view pointer, std::string& out) {
  bool is_first = true;
  for (const auto& field : table.fields) {
    if (parent_of(field.pointer) != pointer) continue;
    if (is_first) out += "\n| key | value | default | change | meaning |\n|---|---|---|---|---|\n";
    is_first = false;
    std::string fallback = field.is_required ? "required" : "absent";
    if (!field.fallback.is_null()) fallback = "`" + field.fallback.dump() + "`";
    out += "| `" + std::string(last_of(field.pointer)) + "` | " + field.words + " | " + fallback + " | " +
           std::string(name(field.applies)) + " | " + field.doc + " |\n";
  }
}

template <typename Spec>
void write_group(const Table<Spec>& table, const Group<Spec>& group, std::string& out) {
  std::string path = group.pointer.substr(1);
  for (char& c : path) {
    if (c == '/') c = '.';
  }
  out += "\n### `" + path + "`\n\n" + group.doc + "\n";
  if (group.form == Group<Spec>::Form::object_or_off) out += "\nDefault: `\"off\"`. As an object:\n";
  if (group.form == Group<Spec>::Form::object_or_absent) out += "\nDefault: absent. As an object:\n";
  write_fields(table, group.pointer, out);
}

template <typename Spec>
std::string make_page(const Table<Spec>& table, const std::string& intro) {
  std::string out = intro + kRules + "\n## Fields\n";
  write_fields(table, "", out);
  for (const auto& group : table.groups) write_group(table, group, out);
  return out;
}

}  // namespace

std::string pool_reference() {
  return make_page(pool_table(), kPoolIntro);
}
std::string daemon_reference() {
  return make_page(daemon_table(), kDaemonIntro);
}

}  // namespace herd::config

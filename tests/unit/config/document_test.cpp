#include "config/document.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Parsed {
  std::optional<Node> root;
  std::vector<Issue> issues;
};

Parsed parse(std::string_view text) {
  Issues issues("x.json");
  auto root = parse_document(text, issues);
  return {std::move(root), std::move(issues).take()};
}

TEST(Document, knows_the_line_of_everything) {
  const Parsed parsed = parse(
      "// first\n{\n  \"a\": 1,\n  \"b\": [true,\n    \"x\"],\n  /* two\n lines */ \"c\": "
      "{\"d\":\nnull}\n}\n");
  ASSERT_TRUE(parsed.root.has_value());
  EXPECT_EQ(parsed.root->line, 2);
  EXPECT_EQ(parsed.root->line_of("/a"), 3);
  EXPECT_EQ(parsed.root->at("/a")->line, 3);
  EXPECT_EQ(parsed.root->line_of("/b/0"), 4);
  EXPECT_EQ(parsed.root->line_of("/b/1"), 5);
  EXPECT_EQ(parsed.root->line_of("/c/d"), 7);
  EXPECT_EQ(parsed.root->at("/c/d")->line, 8);
}

TEST(Document, a_number_before_a_line_break_is_on_its_own_line) {
  const Parsed parsed = parse("[\n1\n,\n22\n]");
  ASSERT_TRUE(parsed.root.has_value());
  EXPECT_EQ(parsed.root->line_of("/0"), 2);
  EXPECT_EQ(parsed.root->line_of("/1"), 4);
}

TEST(Document, the_line_of_what_is_missing_is_that_of_the_thing_around_it) {
  const Parsed parsed = parse("{\n\"a\": {\n\"b\": [1]}}");
  ASSERT_TRUE(parsed.root.has_value());
  EXPECT_EQ(parsed.root->at("/a/x"), nullptr);
  EXPECT_EQ(parsed.root->line_of("/a/x/y"), 2);
  EXPECT_EQ(parsed.root->line_of("/a/b/7"), 3);
  EXPECT_EQ(parsed.root->line_of("/a/b/nonsense"), 3);
  EXPECT_EQ(parsed.root->line_of("/none"), 1);
}

TEST(Document, escaped_names_are_found) {
  const Parsed parsed = parse("{\n\"a/b~c\": 1}");
  ASSERT_TRUE(parsed.root.has_value());
  EXPECT_EQ(parsed.root->line_of("/a~1b~0c"), 2);
}

TEST(Document, half_a_file_is_told_with_line_and_column) {
  const Parsed parsed = parse("{\n  \"workers\": {\"min\": 1,\n");
  EXPECT_FALSE(parsed.root.has_value());
  ASSERT_EQ(parsed.issues.size(), 1u);
  EXPECT_EQ(parsed.issues[0].line, 3);
  EXPECT_THAT(parsed.issues[0].message, HasSubstr("column 1: the file ends too early"));
}

TEST(Document, a_syntax_error_is_told_with_line_and_column) {
  const Parsed parsed = parse("{\n  \"a\": 1,\n  \"b\" 2\n}");
  ASSERT_EQ(parsed.issues.size(), 1u);
  EXPECT_EQ(parsed.issues[0].line, 3);
  EXPECT_THAT(parsed.issues[0].message, HasSubstr("column 7: not valid JSON"));
  EXPECT_THAT(parsed.issues[0].message, ::testing::Not(HasSubstr("exception")));
}

TEST(Document, a_syntax_error_quotes_no_wall_of_text_and_no_raw_bytes) {
  for (const std::string& text :
       {"\"" + std::string(100'000, 'x'), std::string("{\"a\": \"\x1b\xff\x9b\"}")}) {
    const Parsed parsed = parse(text);
    ASSERT_EQ(parsed.issues.size(), 1u);
    const std::string& message = parsed.issues[0].message;
    EXPECT_LT(message.size(), 400u);
    EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << message;
  }
}

TEST(Document, what_is_not_json_is_refused) {
  for (const std::string_view text : {"", "   ", "// nothing", "{} {}", "{\"a\": NaN}", "{\"a\": Infinity}",
                                      "{\"a\": 1e999}", "{\"a\": 01}", "{\"a\": 1,}", "{'a': 1}",
                                      "{\"a\": \"\xff\"}", "{\"a\": \"\n\"}", "nul", "{\"a\"", "\"", "[1"}) {
    const Parsed parsed = parse(text);
    EXPECT_FALSE(parsed.root.has_value()) << text;
    EXPECT_EQ(parsed.issues.size(), 1u) << text;
  }
}

TEST(Document, a_key_given_twice_is_told_with_both_lines) {
  const Parsed parsed = parse("{\n\"a\": {\n\"b\": 1,\n\"b\": 2}}");
  ASSERT_EQ(parsed.issues.size(), 1u);
  EXPECT_EQ(to_text(parsed.issues[0]), "x.json:4: /a/b: the key \"b\" is given twice, first on line 3");
}

TEST(Document, the_same_key_in_two_objects_is_fine) {
  EXPECT_THAT(parse(R"([{"a": 1}, {"a": 2}])").issues, IsEmpty());
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Document, depth_is_bounded) {
  EXPECT_TRUE(parse(nested(kMaxDepth)).root.has_value());
  for (const std::size_t depth : {kMaxDepth + 1, std::size_t{500'000}}) {
    const Parsed parsed = parse(nested(depth));
    EXPECT_FALSE(parsed.root.has_value());
    ASSERT_EQ(parsed.issues.size(), 1u);
    EXPECT_THAT(parsed.issues[0].message, HasSubstr("nested deeper than 16 levels"));
  }
}

TEST(Document, size_is_bounded) {
  std::string text = "{}";
  text.resize(kMaxFileSize, ' ');
  EXPECT_TRUE(parse(text).root.has_value());
  text += ' ';
  const Parsed parsed = parse(text);
  EXPECT_FALSE(parsed.root.has_value());
  ASSERT_EQ(parsed.issues.size(), 1u);
  EXPECT_THAT(parsed.issues[0].message, HasSubstr("larger than 1MiB"));
}

TEST(Document, numbers_are_kept_as_they_were_written) {
  const Parsed parsed = parse("[18446744073709551615, -9223372036854775808, 99999999999999999999, 1.50]");
  ASSERT_TRUE(parsed.root.has_value());
  std::vector<std::string> numbers;
  for (const Node& node : parsed.root->items) numbers.push_back(node.text);
  EXPECT_THAT(numbers,
              ElementsAre("18446744073709551615", "-9223372036854775808", "99999999999999999999", "1.50"));
}

TEST(Text, messages_hold_no_control_characters_and_no_walls_of_text) {
  EXPECT_EQ(quote("a\x1b[2J\n\x7f"), R"("a\u001b[2J\n\u007f")");
  EXPECT_EQ(quote(std::string(100'000, 'x')), "\"" + std::string(64, 'x') + "...\"");
  EXPECT_EQ(below("", "a\nb"), "/a\\nb");
  EXPECT_LT(below("", std::string(100'000, '/')).size(), 200u);
}

TEST(Text, nearest_is_near) {
  const std::vector<std::string> known = {"workers", "sessions", "listen", "ready"};
  EXPECT_EQ(nearest("worker", known), "workers");
  EXPECT_EQ(nearest("sesions", known), "sessions");
  EXPECT_EQ(nearest("raedy", known), "ready");
  EXPECT_EQ(nearest("bananas", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest("x", {"y"}), std::nullopt);
}

TEST(Issues, text_has_only_the_parts_that_are_there) {
  EXPECT_EQ(to_text(Issue{"f", 3, "/a", "m"}), "f:3: /a: m");
  EXPECT_EQ(to_text(Issue{"f", 3, "", "m"}), "f:3: m");
  EXPECT_EQ(to_text(Issue{"f", 0, "", "m"}), "f: m");
}

TEST(Issues, touches_what_is_above_and_below_and_nothing_beside) {
  Issues issues("f");
  issues.add(1, "/a/b", "m");
  EXPECT_TRUE(issues.touches("/a/b"));
  EXPECT_TRUE(issues.touches("/a"));
  EXPECT_TRUE(issues.touches("/a/b/c"));
  EXPECT_FALSE(issues.touches("/a/bc"));
  EXPECT_FALSE(issues.touches("/a/c"));
}

TEST(Issues, a_flood_is_cut_and_said) {
  std::string members;
  for (std::size_t i = 0; i < kMaxIssuesPerFile + 5; ++i)
    members += ",\"nonsense" + std::to_string(i) + "\": 1";
  const auto issues = issues_of(read(pool_with(members.substr(1))));
  ASSERT_EQ(issues.size(), kMaxIssuesPerFile + 1);
  EXPECT_THAT(issues.back().message, HasSubstr("5 more issues"));
}

}  // namespace
}  // namespace herd::config::testing

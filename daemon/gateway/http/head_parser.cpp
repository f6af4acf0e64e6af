#include <charconv>

#include "daemon/gateway/http/characters.hpp"
#include "daemon/gateway/http/head.hpp"
#include "daemon/gateway/http/target.hpp"

namespace herd::gateway::http {

const Fault kBareLineFeed{400, "a line ends with a line feed alone"};
const Fault kTooManyFields{431, "there are too many header fields"};

namespace {

constexpr Fault kBadMethod{400, "the method is not one"};
constexpr Fault kBadFirstLine{400, "the first line is not METHOD TARGET HTTP/1.1"};
constexpr Fault kBadVersion{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
constexpr Fault kBadFieldName{400, "a header field's name is not one, or a blank is before its colon"};
constexpr Fault kBadFieldValue{400, "a header field's value has a control byte"};
constexpr Fault kFolded{400, "a header field goes on in a second line"};
constexpr Fault kBadLength{400, "Content-Length is not a number"};
constexpr Fault kTwoLengths{400, "there are several Content-Length fields"};
constexpr Fault kBadEncoding{400, "the one Transfer-Encoding that is known here is `chunked`, once"};
constexpr Fault kTwoFramings{400, "there are both Content-Length and Transfer-Encoding"};
constexpr Fault kOldChunked{400, "HTTP/1.0 has no Transfer-Encoding"};
constexpr Fault kUnderscore{400, "a field that frames the message is written with '_'"};
constexpr Fault kBadConnection{400, "Connection names a field that is not this connection's alone"};
constexpr Fault kNoHost{400, "there is no Host field"};
constexpr Fault kTwoHosts{400, "there are several Host fields"};
constexpr Fault kBadHost{400, "the Host field is not a host"};
constexpr Fault kOtherHost{400, "the target names another host than the Host field"};
constexpr Fault kBadExpect{417, "the one expectation that is known here is 100-continue"};
constexpr Fault kBadStatusLine{502, "the first line is not HTTP/1.1 STATUS REASON"};
constexpr Fault kBadTrailer{400, "a trailer frames the message"};

constexpr std::size_t kLongestMethod = 32;
constexpr std::size_t kLongestLength = 18;  // digits: fits 64 bits with its sign

bool is_framing(Name name) {
  return name == Name::content_length || name == Name::transfer_encoding || name == Name::host;
}

/// Up to the character, which is taken off, too. Without one: everything, and false.
bool take_until(std::string_view& rest, char end, std::string_view& taken) {
  const std::size_t at = rest.find(end);
  taken = rest.substr(0, at);
  if (at == std::string_view::npos) return false;
  rest.remove_prefix(at + 1);
  return true;
}

/// One line without its CRLF; a CR elsewhere is left in it, where no rule lets it pass.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

const Fault* parse_fields(std::string_view rest, std::size_t max, std::vector<Field>& fields) {
  while (rest.front() != '\r') {
    if (fields.size() == max) return &kTooManyFields;
    const char* const start = rest.data();
    if (*start == ' ' || *start == '\t') return &kFolded;
    std::size_t colon = 0;
    while (is(start[colon], kTokenCharacter)) ++colon;  // the line's end is none
    if (colon == 0 || start[colon] != ':') return &kBadFieldName;
    std::size_t end = colon + 1;
    while (is(start[end], kValueCharacter)) ++end;
    if (start[end] != '\r' || start[end + 1] != '\n') return &kBadFieldValue;
    const std::string_view name(start, colon);
    fields.push_back(
        {name, without_blanks({start + colon + 1, end - colon - 1}), {start, end + 2}, known_name(name)});
    rest.remove_prefix(end + 2);
  }
  return rest == "\r\n" ? nullptr : &kBadFieldValue;
}

const Fault* read_length(std::string_view value, Framing& framing) {
  std::uint64_t length = 0;
  if (value.empty() || value.size() > kLongestLength) return &kBadLength;
  for (const char c : value) {
    if (c < '0' || c > '9') return &kBadLength;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (framing.length) return &kTwoLengths;
  framing.length = length;
  return nullptr;
}

const Fault* read_connection(std::string_view value, ConnectionOptions& options) {
  while (!value.empty()) {
    std::string_view option;
    if (!take_until(value, ',', option)) value = {};
    option = without_blanks(option);
    if (option.empty()) continue;
    if (!is_all(option, kTokenCharacter)) return &kBadConnection;
    if (equals_ignoring_case(option, "close")) {
      options.close = true;
    } else if (equals_ignoring_case(option, "keep-alive")) {
      options.keep_alive = true;
    } else if (equals_ignoring_case(option, "upgrade")) {
      options.upgrade = true;
    } else if (is_framing(known_name(option))) {
      return &kBadConnection;
    } else {
      options.named.push_back(option);
    }
  }
  return nullptr;
}

const Fault* read_common(const Field& field, Head& head) {
  if (is_framing(field.known) && field.name.find('_') != std::string_view::npos) return &kUnderscore;
  switch (field.known) {
    case Name::content_length:
      return read_length(field.value, head.framing);
    case Name::transfer_encoding:
      if (head.framing.is_chunked || !equals_ignoring_case(field.value, "chunked")) return &kBadEncoding;
      head.framing.is_chunked = true;
      return nullptr;
    case Name::connection:
      return read_connection(field.value, head.connection);
    case Name::upgrade:
      head.upgrade = field.value;
      return nullptr;
    default:
      return nullptr;
  }
}

const Fault* check_framing(const Head& head) {
  if (head.framing.is_chunked && head.framing.length) return &kTwoFramings;
  if (head.framing.is_chunked && head.minor_version == 0) return &kOldChunked;
  return nullptr;
}

bool is_version(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

const Fault* parse_version(std::string_view version, Head& head) {
  if (version == "HTTP/1.1") {
    head.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head.minor_version = 0;
  } else {
    return is_version(version) ? &kBadVersion : &kBadFirstLine;
  }
  return nullptr;
}

bool is_method(std::string_view method) {
  if (method.empty() || method.size() > kLongestMethod || method == "CONNECT") return false;
  for (const char c : method) {
    if ((c < 'A' || c > 'Z') && c != '-' && c != '_') return false;
  }
  return true;
}

const Fault* parse_request_line(std::string_view line, RequestHead& head) {
  if (!take_until(line, ' ', head.method)) return &kBadFirstLine;
  if (!is_method(head.method)) return &kBadMethod;
  if (!take_until(line, ' ', head.target)) return &kBadFirstLine;
  if (const Fault* fault = parse_version(line, head)) return fault;
  return parse_target(head);
}

const Fault* read_request_field(const Field& field, RequestHead& head, bool& has_host) {
  if (field.known == Name::expect && head.minor_version == 1) {
    if (!equals_ignoring_case(field.value, "100-continue")) return &kBadExpect;
    head.expects_continue = true;
  }
  if (field.known == Name::host) {
    if (has_host) return &kTwoHosts;
    if (!is_host(field.value)) return &kBadHost;
    has_host = true;
    head.host = field.value;
  }
  return read_common(field, head);
}

}  // namespace

const Fault* parse_request(std::string_view bytes, std::size_t max_fields, RequestHead& head) {
  head.clear();
  head.method = head.target = head.path = head.query = head.authority = head.host = {};
  head.expects_continue = false;
  if (const Fault* fault = parse_request_line(take_line(bytes), head)) return fault;
  if (const Fault* fault = parse_fields(bytes, max_fields, head.fields)) return fault;
  bool has_host = false;
  for (const Field& field : head.fields) {
    if (const Fault* fault = read_request_field(field, head, has_host)) return fault;
  }
  if (!has_host && head.minor_version == 1) return &kNoHost;
  if (!head.authority.empty() && has_host && !is_same_host(head.authority, head.host)) return &kOtherHost;
  return check_framing(head);
}

const Fault* parse_answer(std::string_view bytes, std::size_t max_fields, AnswerHead& head) {
  head.clear();
  std::string_view line = take_line(bytes), version;
  take_until(line, ' ', version);
  if (parse_version(version, head) != nullptr || line.size() < 3) return &kBadStatusLine;
  const auto [end, error] = std::from_chars(line.data(), line.data() + 3, head.status);
  if (error != std::errc() || end != line.data() + 3 || head.status < 100 || head.status > 599)
    return &kBadStatusLine;
  line.remove_prefix(3);
  if (!line.empty() && line.front() != ' ') return &kBadStatusLine;
  if (!is_all(line, kValueCharacter)) return &kBadStatusLine;
  head.reason = line.empty() ? line : line.substr(1);
  if (const Fault* fault = parse_fields(bytes, max_fields, head.fields)) return fault;
  for (const Field& field : head.fields) {
    if (const Fault* fault = read_common(field, head)) return fault;
  }
  return check_framing(head);
}

const Fault* parse_trailers(std::string_view bytes, std::size_t max_fields, std::vector<Field>& fields) {
  fields.clear();
  if (const Fault* fault = parse_fields(bytes, max_fields, fields)) return fault;
  for (const Field& field : fields) {
    if (is_framing(field.known)) return &kBadTrailer;
  }
  return nullptr;
}

}  // namespace herd::gateway::http

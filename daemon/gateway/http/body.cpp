#include "daemon/gateway/http/body.hpp"

#include <algorithm>

namespace herd::gateway::http {
namespace {

/// In a trailer nobody expects them, and a framework that mixes trailers with headers would believe them.
bool may_pass(const Field& field) {
  return field.known == Name::other;
}

}  // namespace

Body Body::of(const Framing& framing) {
  if (framing.is_chunked) return Body(Kind::chunked);
  return framing.length ? Body(Kind::length, *framing.length) : Body();
}

bool Body::is_done() const {
  switch (kind_) {
    case Kind::none:
      return true;
    case Kind::length:
      return left_ == 0;
    case Kind::chunked:
      return has_trailers_;
    case Kind::until_close:
      return false;
  }
  return false;
}

Body::Piece Body::next(std::string_view bytes, bool plain, const TrailerLimits& limits,
                       std::string& trailers) {
  is_touched_ = kind_ != Kind::none && !bytes.empty();
  if (kind_ == Kind::until_close) return {0, bytes.size(), 0};
  if (kind_ == Kind::length) {
    const auto pass = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= pass;
    return {0, pass, 0};
  }
  if (kind_ == Kind::none || has_trailers_ || is_bad_) return {};
  Piece piece = next_chunks(bytes, plain);
  if (chunked_.is_at_trailers())
    piece.behind +=
        take_trailers(bytes.substr(piece.before + piece.pass + piece.behind), plain, limits, trailers);
  is_bad_ = is_bad_ || chunked_.is_bad();
  return piece;
}

Body::Piece Body::next_chunks(std::string_view bytes, bool plain) {
  Piece piece;
  while (!chunked_.is_at_trailers()) {
    const Chunked::Step step = chunked_.step(bytes.substr(piece.before + piece.pass));
    if (step.framing + step.data == 0) break;
    if (!plain) {
      piece.pass += step.framing + step.data;
      continue;
    }
    piece.before = step.framing;
    piece.pass = step.data;
    break;
  }
  return piece;
}

std::size_t Body::take_trailers(std::string_view bytes, bool plain, const TrailerLimits& limits,
                                std::string& trailers) {
  const auto size = trailers_end_.find(bytes);
  if (!size) {
    is_bad_ = trailers_end_.is_bad() || bytes.size() > limits.bytes;
    return 0;
  }
  std::vector<Field> fields;
  if (parse_trailers(bytes.substr(0, *size), limits.fields, fields) != nullptr) {
    is_bad_ = true;
    return 0;
  }
  has_trailers_ = true;
  if (plain) return *size;
  for (const Field& field : fields) {
    if (may_pass(field)) trailers += field.line;
  }
  trailers += "\r\n";
  return *size;
}

}  // namespace herd::gateway::http

#include "daemon/control/streams.hpp"

#include <cstdio>
#include <ctime>
#include <optional>

#include "protocol/control/messages.hpp"

namespace herd::control {
namespace {

using protocol::dump_line;

bool is_text(const Json& event, const char* key, std::string_view value) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() && found->get_ref<const std::string&>() == value;
}

/// RFC 3339, UTC, with microseconds.
std::string rfc3339(std::int64_t time_us) {
  const std::time_t seconds = static_cast<std::time_t>(time_us / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[48];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(time_us % 1'000'000));
  return std::string(text, length) + fraction;
}

class EventLines final : public LineSource {
 public:
  EventLines(EventRing& ring, EventQuery query)
      : ring_(ring), query_(std::move(query)), until_(ring.last()) {}

  void fill(std::string& lines) override {
    if (query_.since > ring_.last()) {
      query_.since = 0;
      lines += dump_line({{"type", "gap"},
                          {"lost", nullptr},
                          {"seq", 0},
                          {"message", "the daemon began to count anew after a restart"}});
    }
    // A batch may hold nothing for this pool: then the next one is looked at, up to the end.
    while (lines.empty() && query_.since < ring_.last()) take_batch(lines);
  }
  [[nodiscard]] bool ended() const override { return !query_.follow && query_.since >= until_; }
  void follow(std::function<void()> wake) override {
    if (query_.follow) subscription_ = ring_.subscribe(std::move(wake));
  }

 private:
  void take_batch(std::string& lines) {
    const EventRing::Slice slice = ring_.read(query_.since, kBatch);
    if (slice.lost > 0) lines += dump_line({{"type", "gap"}, {"lost", slice.lost}, {"seq", slice.first - 1}});
    std::uint64_t number = slice.first;
    for (const auto& event : slice.items) {
      if (query_.pool.empty() || is_text(*event, "pool", query_.pool)) append(lines, *event, number);
      ++number;
    }
    query_.since = number - 1;
  }

  /// Spliced in as text: the event itself is shared and is not copied for each reader.
  static void append(std::string& lines, const Json& event, std::uint64_t number) {
    const std::string text = dump_line(event);
    lines += "{\"seq\":" + std::to_string(number);
    if (!event.empty()) lines += ',';
    lines.append(text, 1);
  }

  EventRing& ring_;
  EventQuery query_;
  const std::uint64_t until_;  // without follow: what was there at the start, however fast more comes
  EventRing::Subscription subscription_;
};

class LogLines final : public LineSource {
 public:
  LogLines(std::shared_ptr<LogRing> ring, EventRing& events, LogQuery query)
      : ring_(std::move(ring)),
        events_(events),
        seen_event_(events.last()),
        query_(std::move(query)),
        until_(ring_->last()) {
    if (query_.since > ring_->last()) query_.since = ring_->last();
  }

  void fill(std::string& lines) override {
    if (query_.since >= ring_->last()) return;
    const LogRing::Slice slice = ring_->read(query_.since, kBatch);
    if (slice.lost > 0) lines += dump_line({{"gap", true}, {"lost", slice.lost}, {"seq", slice.first - 1}});
    std::uint64_t number = slice.first;
    for (const LogLine& line : slice.items) lines += dump_line(to_json(line, number++));
    query_.since = number - 1;
  }
  [[nodiscard]] bool ended() const override { return !query_.follow && query_.since >= until_; }
  void follow(std::function<void()> wake) override {
    if (!query_.follow) return;
    lines_subscription_ = ring_->subscribe(wake);
    events_subscription_ = events_.subscribe([this, wake] {
      if (!look_for_end()) return;
      query_.follow = false;
      until_ = ring_->last();
      wake();
    });
  }

 private:
  static Json to_json(const LogLine& line, std::uint64_t number) {
    return {{"seq", number},
            {"time", rfc3339(line.time_us)},
            {"stream", line.is_stderr ? "stderr" : "stdout"},
            {"session", line.session.empty() ? Json(nullptr) : Json(line.session)},
            {"text", line.text},
            {"cut", line.cut}};
  }

  /// Called after each event, so never more than one behind.
  bool look_for_end() {
    bool gone = false;
    for (const auto& event : events_.read(seen_event_, kBatch).items)
      gone = gone || (is_text(*event, "type", "worker_gone") && is_text(*event, "worker", query_.worker));
    seen_event_ = events_.last();
    return gone;
  }

  std::shared_ptr<LogRing> ring_;
  EventRing& events_;
  std::uint64_t seen_event_;
  LogQuery query_;
  std::uint64_t until_;
  LogRing::Subscription lines_subscription_;
  EventRing::Subscription events_subscription_;
};

class LeaseLines final : public LineSource {
 public:
  LeaseLines(EventRing& events, LeaseQuery query) : events_(events), query_(std::move(query)) {
    look_for_end();
  }

  void fill(std::string& lines) override {
    if (!answered_) lines += dump_line(query_.answer);
    answered_ = true;
    if (end_ && !said_end_) {
      lines += dump_line({{"ended", *end_}});
      said_end_ = true;
    }
  }
  [[nodiscard]] bool ended() const override { return said_end_; }
  void follow(std::function<void()> wake) override {
    subscription_ = events_.subscribe([this, wake] {
      look_for_end();
      if (end_) wake();
    });
  }

 private:
  void look_for_end() {
    while (!end_ && query_.since < events_.last()) {
      const EventRing::Slice slice = events_.read(query_.since, kBatch);
      for (const auto& event : slice.items) {
        if (!end_ && is_text(*event, "type", "session_ended") && is_text(*event, "pool", query_.pool) &&
            is_text(*event, "session", query_.session))
          end_ = event->value("reason", Json(nullptr));
      }
      query_.since = slice.first + slice.items.size() - 1;
    }
  }

  EventRing& events_;
  LeaseQuery query_;
  EventRing::Subscription subscription_;
  std::optional<Json> end_;
  bool answered_ = false, said_end_ = false;
};

}  // namespace

std::unique_ptr<LineSource> event_lines(EventRing& ring, EventQuery query) {
  return std::make_unique<EventLines>(ring, std::move(query));
}

std::unique_ptr<LineSource> log_lines(std::shared_ptr<LogRing> ring, EventRing& events, LogQuery query) {
  return std::make_unique<LogLines>(std::move(ring), events, std::move(query));
}

std::unique_ptr<LineSource> lease_lines(EventRing& events, LeaseQuery query) {
  return std::make_unique<LeaseLines>(events, std::move(query));
}

}  // namespace herd::control

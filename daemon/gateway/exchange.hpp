// One request and its answer, or its tunnel: from the head that the client connection has read to the last
// byte of the answer.
//
//   asking -> connecting -> open -> (over)     refusing: an answer of the gateway's own
//               ^   |        | |
//               |   v        v +-> tunnel
//               +- lost <----+                 lost: the worker's end closed; why, herdd is about to say
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/gateway/flow.hpp"
#include "daemon/gateway/http/body.hpp"
#include "daemon/gateway/http/head.hpp"
#include "daemon/gateway/refusal.hpp"
#include "daemon/gateway/sessions.hpp"

namespace herd::gateway {

class ClientConnection;
class Server;

class Exchange final : public SessionUser, public WorkerUser {
 public:
  Exchange(Server& server, ClientConnection& client) : server_(server), client_(client) {}
  ~Exchange() = default;

  /// The head's bytes are consumed already, but still in place.
  void begin(const http::RequestHead& head);
  /// Answers what is no request; the connection closes.
  void refuse_unread(const Refusal& refusal);

  /// The client's bytes; between two exchanges they are the client connection's.
  [[nodiscard]] Buffer& request_input() { return request_.input; }

  void on_client_events();
  void on_worker_events() override;
  void on_session_changed() override;
  void on_tick();
  void on_drain();

 private:
  enum class Phase { none, asking, connecting, open, lost, refusing, tunnel };
  enum class Reading { head, body, over };  // of the answer
  enum class Waits { nothing, client, grant, connect, session_end, tunnel, tunnel_end };

  // exchange.cpp: the way of a request
  void start(const Route& route, const http::RequestHead& head);
  void find_worker();
  void connect(std::unique_ptr<WorkerConnection> connection);
  void go_on();
  void pump();
  void watch_client();
  void finish();
  void count_bytes();
  void release_worker(bool keep);
  void leave_session();
  void wait(Waits waits, std::chrono::milliseconds limit);
  void on_deadline();

  // request_flow.cpp: client to worker
  bool pump_request();
  bool take_request_piece();
  bool receive_request_body();

  // answer_flow.cpp: worker to client
  enum class Step { again, needs_bytes, over };  // over: this request is
  void pump_answer();
  Step read_answer_head();
  Step on_answer_head(const http::AnswerHead& head);
  void pass_interim(const http::AnswerHead& head);
  void pass_answer(const http::AnswerHead& head);
  Step take_answer_piece();
  void on_worker_end(bool is_clean);
  void bad_answer(const char* sentence);

  // failures.cpp: what becomes of a request when something ends
  void refuse(Refusal refusal);
  void client_gone();
  void worker_lost();
  void resolve_loss();
  void on_session_ended();
  [[nodiscard]] bool may_send_again() const;
  void time_out();

  // tunnel.cpp
  void open_tunnel(const http::AnswerHead& head);
  void pump_tunnel();
  void end_tunnel();
  void close_tunnel();

  Server& server_;
  ClientConnection& client_;
  Phase phase_ = Phase::none;
  Reading reading_ = Reading::head;
  Waits waits_ = Waits::nothing;

  // Of the request.
  Flow request_;
  http::Body request_body_;
  TimePoint begun_;
  std::optional<TimePoint> request_deadline_;
  ThreadPool* pool_ = nullptr;
  std::string cookie_line_;
  Milliseconds hold_{}, answer_timeout_{};
  std::optional<Milliseconds> tunnel_idle_timeout_;
  bool creates_ = false, is_head_ = false, is_safe_ = false, is_old_client_ = false;
  bool keeps_client_ = false;  // the client would send another request
  bool asks_for_upgrade_ = false;
  bool expects_continue_ = false;   // it sends its body once it is told to
  bool is_request_broken_ = false;  // the worker takes no more of it

  // Of the answer.
  Flow answer_;
  http::Body answer_body_;
  http::HeadEnd answer_end_;
  int status_ = 0;
  int interims_ = 0;
  bool keeps_worker_ = false, is_chunked_anew_ = false, is_plain_ = false;

  std::shared_ptr<Session> session_;
  bool is_session_used_ = false;  // begin_use() was called
  std::unique_ptr<WorkerConnection> worker_;
  bool was_connected_ = false;  // what was lost was a connection, not the try to have one
  int resent_ = 0, attempts_ = 0;
  TimePoint deadline_;
  std::uint64_t moved_ = 0;  // bytes from and to the client, when its deadline was set
  bool is_request_ended_ = false, is_answer_ended_ = false;  // a tunnel's ways
};

}  // namespace herd::gateway

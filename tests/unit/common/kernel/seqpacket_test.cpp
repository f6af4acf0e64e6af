#include "common/kernel/seqpacket.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>

namespace herd::kernel {
namespace {

class Seqpacket : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = seqpacket_pair();
    ASSERT_TRUE(pair) << pair.error().message;
    ends_ = std::move(*pair);
  }
  [[nodiscard]] int here() const { return ends_[0].get(); }
  [[nodiscard]] int there() const { return ends_[1].get(); }

  std::array<UniqueFd, 2> ends_;
};

bool is_same_file(int a, int b) {
  struct stat first {
  }, second{};
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
         first.st_dev == second.st_dev;
}

std::size_t open_fds() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.exists() ? 1 : 0;
  return count;
}

TEST_F(Seqpacket, KeepsTheBoundariesOfMessages) {
  ASSERT_TRUE(send_message(here(), "one"));
  ASSERT_TRUE(send_message(here(), "two"));
  EXPECT_EQ(receive_message(there(), false)->text, "one");
  EXPECT_EQ(receive_message(there(), false)->text, "two");
}

TEST_F(Seqpacket, TheNextOnesSizeIsToldAndItStays) {
  EXPECT_EQ(next_message_size(there()).error().errno_value, EAGAIN);
  const std::string text(kMaxMessage + 1, 'x');
  ASSERT_TRUE(send_message(here(), text));
  EXPECT_EQ(next_message_size(there()).value_or(0), text.size());
  EXPECT_EQ(next_message_size(there()).value_or(0), text.size());
}

TEST_F(Seqpacket, BothEndsCloseOnExec) {
  for (const UniqueFd& end : ends_) EXPECT_EQ(fcntl(end.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(Seqpacket, PassesFdsInOrderAndCloseOnExec) {
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const UniqueFd read_end(pipe_fds[0]), write_end(pipe_fds[1]);
  const std::array sent{read_end.get(), write_end.get()};
  ASSERT_TRUE(send_message(here(), "fds", sent));
  const auto received = receive_message(there(), false);
  ASSERT_TRUE(received) << received.error().message;
  ASSERT_EQ(received->fds.size(), 2U);
  EXPECT_EQ(fcntl(received->fds[0].get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(fcntl(received->fds[1].get(), F_GETFL) & O_ACCMODE, O_WRONLY);
  EXPECT_TRUE(is_same_file(received->fds[0].get(), read_end.get()));
  for (const UniqueFd& fd : received->fds) EXPECT_EQ(fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(Seqpacket, PassesAsManyFdsAsItsBoundAndNotOneMore) {
  std::vector<int> many(kMaxMessageFds, here());
  ASSERT_TRUE(send_message(here(), "many", many));
  EXPECT_EQ(receive_message(there(), false)->fds.size(), kMaxMessageFds);
  many.push_back(here());
  const auto sent = send_message(here(), "too many", many);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().errno_value, EINVAL);
}

TEST_F(Seqpacket, AMessageAtTheBoundArrivesWhole) {
  const std::string text(kMaxMessage, 'x');
  ASSERT_TRUE(send_message(here(), text));
  EXPECT_EQ(receive_message(there(), false)->text, text);
}

TEST_F(Seqpacket, AMessageOnePastTheBoundIsAnErrorAndItsFdsAreClosed) {
  const std::array sent{here()};
  ASSERT_TRUE(send_message(here(), std::string(kMaxMessage + 1, 'x'), sent));
  ASSERT_TRUE(send_message(here(), "next"));
  const std::size_t before = open_fds();
  const auto received = receive_message(there(), false);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().errno_value, EMSGSIZE);
  EXPECT_EQ(open_fds(), before);
  EXPECT_EQ(receive_message(there(), false)->text, "next");
}

TEST_F(Seqpacket, MoreFdsThanTheBoundAreAnErrorAndAllAreClosed) {
  constexpr std::size_t kCount = kMaxMessageFds + 1;
  const std::vector<int> fds(kCount, here());
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kCount)> control{};
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * kCount);
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * kCount);
  ASSERT_EQ(sendmsg(here(), &message, 0), 1);
  const std::size_t before = open_fds();
  const auto received = receive_message(there(), false);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().errno_value, EMSGSIZE);
  EXPECT_EQ(open_fds(), before);
}

TEST_F(Seqpacket, EndsWhenTheLastCopyOfTheOtherEndIsClosed) {
  UniqueFd copy(dup(here()));
  ASSERT_TRUE(send_message(here(), "last words"));
  ends_[0].reset();
  EXPECT_EQ(receive_message(there(), false)->text, "last words");
  const auto still_open = receive_message(there(), false);
  ASSERT_FALSE(still_open);
  EXPECT_EQ(still_open.error().errno_value, EAGAIN);
  copy.reset();
  const auto ended = receive_message(there(), true);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->text, "");
}

TEST_F(Seqpacket, SendingToAClosedEndIsAnErrorAndNoSignal) {
  ends_[1].reset();
  const auto sent = send_message(here(), "anyone?");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().errno_value, EPIPE);
}

TEST_F(Seqpacket, SendingToAFullSocketDoesNotWait) {
  Status sent;
  for (int i = 0; sent && i < 100'000; ++i) sent = send_message(here(), "more");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().errno_value, EAGAIN);
}

}  // namespace
}  // namespace herd::kernel

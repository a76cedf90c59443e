#include "runner/traffic/traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace imagebatch::runner {
namespace {

using std::chrono::seconds;

TEST(SocketTables, ReadsConnectedUnixSocketsFromProc) {
  const auto sockets = ParseUnixTable(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/docker.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 4712\n"
      "0000000000000000: 00000003 00000000 00000000 0005 03 4713 @x y\n"
      "0000000000000000: 00000003 00000000 00000000 0002 03 4714\n"
      "nonsense\n");
  ASSERT_EQ(sockets.size(), 2U);
  EXPECT_EQ(sockets[0].inode, 4712U);
  EXPECT_EQ(sockets[1].inode, 4713U);
  EXPECT_EQ(sockets[1].peer, 0U);
}

TEST(SocketTables, ReadsInodesOfInternetSocketsFromProc) {
  const std::string_view table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0\n"
      "   1: 0100007F:1F90 0100007F:D4A2 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0\n"
      "   2: 0100007F:1F90 0100007F:D4A3 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0\n"
      "\n x";
  EXPECT_EQ(ParseInetTable(table, true), std::vector<uint64_t>{12});
  EXPECT_EQ(ParseInetTable(table, false), (std::vector<uint64_t>{11, 12}));
  EXPECT_TRUE(ParseInetTable("", false).empty());
}

TEST(SocketTables, RefusesAnswersThatAreTooShort) {
  TcpSocket tcp;
  UnixSocket local;
  for (size_t size = 0; size < 200; ++size) {
    EXPECT_FALSE(ParseTcpAnswer(std::string(size, '\x7f'), tcp)) << size;
    ParseUnixAnswer(std::string(size, '\x01'), local);
  }
}

TEST(SocketWaits, ReadsVoluntarySwitchesAlone) {
  EXPECT_EQ(VoluntarySwitches("Name:\tx\nvoluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t4\n"),
            17U);
  EXPECT_FALSE(VoluntarySwitches("Name:\tx\nnonvoluntary_ctxt_switches:\t4\n"));
}

/// A child that reads from `socket` until it ends, by recv() or by read(); for the first message it may wait
/// by a call with a limit.
class Reader {
 public:
  Reader(int socket, int other, bool receives, bool first_with_limit = false) {
    pid_ = fork();
    if (pid_ != 0) {
      AwaitCall(first_with_limit ? SYS_poll : receives ? SYS_recvfrom : SYS_read);
      return;
    }
    close(other);
    char bytes[4096];
    if (first_with_limit) {
      pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
      poll(&wait, 1, 60'000);
    }
    while ((receives ? recv(socket, bytes, sizeof bytes, 0) : read(socket, bytes, sizeof bytes)) > 0) {
    }
    _exit(0);
  }
  ~Reader() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  /// Until it waits in this system call.
  void AwaitCall(long number) const {
    const std::string path = "/proc/" + std::to_string(pid_) + "/syscall";
    const std::string wanted = std::to_string(number) + " ";
    for (int turn = 0; turn < 500; ++turn) {
      std::string call;
      std::getline(std::ifstream(path), call);
      if (call.starts_with(wanted)) return;
      usleep(10'000);
    }
    ADD_FAILURE() << "the reader never waited";
  }
  std::vector<ProcessStat> Tree() const {
    ProcessStat stat;
    stat.pid = pid_;
    stat.threads = 1;
    stat.start_ticks = 1;
    return {stat};
  }

 private:
  pid_t pid_ = -1;
};

/// Asked at long intervals, so that no look is put off.
class Looks {
 public:
  explicit Looks(const Reader& reader) : reader_(reader) {}
  /// Sums of all connections after the next look.
  std::pair<uint64_t, uint64_t> Next() {
    traffic_.Look(now_ += seconds(1000), reader_.Tree(), 0);
    uint64_t bytes = 0, messages = 0;
    for (const hang::Connection& connection : traffic_.Connections()) {
      bytes += connection.received.value_or(0);
      messages += connection.messages;
    }
    return {bytes, messages};
  }
  /// Looks until the messages differ from `before`, and the bytes where they are counted, for some seconds.
  std::pair<uint64_t, uint64_t> NextOther(std::pair<uint64_t, uint64_t> before, bool counted) {
    for (int turn = 0; turn < 500; ++turn) {
      const auto now = Next();
      if (now.second != before.second && (!counted || now.first != before.first)) return now;
      usleep(10'000);
    }
    return before;
  }
  const Traffic& traffic() const { return traffic_; }

 private:
  const Reader& reader_;
  Traffic traffic_;
  hang::TimePoint now_{seconds(1'000'000)};
};

TEST(Traffic, CountsThePayloadOfTcpOverLoopback) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), size), 0);
  const int server = accept(listener, nullptr, nullptr);
  Reader reader(client, server, true);
  close(client);
  Looks looks(reader);
  const auto before = looks.Next();
  if (!SocketTables().Read()) GTEST_SKIP() << "sock_diag is refused here";
  EXPECT_TRUE(looks.traffic().Connected());
  ASSERT_EQ(send(server, "12345", 5, 0), 5);
  const auto after = looks.NextOther(before, true);
  EXPECT_EQ(after.first, before.first + 5);
  EXPECT_EQ(after.second, before.second + 1);
  EXPECT_EQ(looks.Next(), after);
  close(server);
  close(listener);
}

TEST(Traffic, SeesWhatComesOverUnixSocketsFromOutside) {
  for (const bool receives : {false, true}) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    Reader reader(ends[0], ends[1], receives);
    close(ends[0]);
    Looks looks(reader);
    looks.Next();
    if (!SocketTables().Read()) GTEST_SKIP() << "sock_diag is refused here";
    EXPECT_TRUE(looks.traffic().Connected());
    const auto before = looks.Next();
    const std::string message(100, 'x');
    ASSERT_EQ(send(ends[1], message.data(), message.size(), 0), 100);
    const auto after = looks.NextOther(before, !receives);
    EXPECT_EQ(after.second, before.second + 1) << receives;
    EXPECT_EQ(after.first - before.first, receives ? 0U : 92U) << "8 bytes of each call are taken off";
    EXPECT_EQ(looks.Next(), after);
    close(ends[1]);
  }
}

TEST(Traffic, ALimitExplainsNoWakeUpsOnceThereIsNone) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  {
    const Reader reader(ends[0], ends[1], true, true);
    close(ends[0]);
    Looks looks(reader);
    looks.Next();
    if (!SocketTables().Read()) GTEST_SKIP() << "sock_diag is refused here";
    looks.Next();
    ASSERT_EQ(write(ends[1], "first", 5), 5);  // it has waited with a limit until now
    reader.AwaitCall(SYS_recvfrom);
    auto before = looks.Next();
    before = looks.Next();
    ASSERT_EQ(write(ends[1], "second", 6), 6);
    EXPECT_NE(looks.NextOther(before, false), before);
  }
  close(ends[1]);
}

TEST(Traffic, LeavesStrangersOut) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  Reader reader(pipe_ends[0], pipe_ends[1], false);
  std::vector<ProcessStat> nobody;
  Traffic traffic;
  traffic.Look(hang::TimePoint(seconds(5)), nobody, 0);
  if (!SocketTables().Read()) GTEST_SKIP() << "sock_diag is refused here";
  EXPECT_TRUE(traffic.Connections().empty());
  EXPECT_FALSE(traffic.Connected());
  EXPECT_FALSE(traffic.InterfaceBytes());
  for (int end : {ends[0], ends[1], pipe_ends[0], pipe_ends[1]}) close(end);
}

}  // namespace
}  // namespace imagebatch::runner

#include "metrics/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

#include "unit/metrics/sample.h"

namespace imagebatch::metrics {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

/// The whole reply, head and body, to one request; "" where nobody listens.
std::string Ask(int port, const std::string& method, const std::string& path) {
  const int fd = Connect(port);
  if (fd < 0) return "";
  const std::string request = method + " " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n";
  std::string reply;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
      reply.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return reply;
}

std::string Body(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::Start("127.0.0.1:0", From());
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  Sources From() {
    return {[this] { return snapshot_; }, [this] { return health_; }, "1.2.3"};
  }
  std::string Get(const std::string& path) { return Ask(server_->port(), "GET", path); }

  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>(FullSnapshot());
  Health health_{{true, "the loop went round 1 s ago"}, {false, "no list of pods yet"}};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, MetricsAreThoseOfTheSnapshotAndOfTheProcess) {
  const std::string reply = Get("/metrics");
  EXPECT_THAT(reply,
              StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(
      reply,
      HasSubstr("\nimagebatch_builds_hung{namespace=\"builds\",batch=\"verified\",class=\"Idle\"} 1\n"));
  EXPECT_THAT(reply, HasSubstr("\nimagebatch_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(reply, HasSubstr("\nprocess_open_fds "));
}

TEST_F(ServerTest, MetricsBeforeTheFirstSnapshotSayOnlyThatTheControllerIsThere) {
  snapshot_ = nullptr;
  const std::string reply = Get("/metrics");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, HasSubstr("\nimagebatch_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(reply, testing::Not(HasSubstr("\nimagebatch_builds{")));
}

TEST_F(ServerTest, ProbesGiveTheirReason) {
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(Body(Get("/healthz")), "the loop went round 1 s ago\n");
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(Body(Get("/readyz")), "no list of pods yet\n");
  health_ = {{false, "the loop stands still"}, {true, "ok"}};
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Get("/readyz?verbose"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, HeadIsGetWithoutTheBody) {
  const std::string reply = Ask(server_->port(), "HEAD", "/healthz");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, HasSubstr("Content-Length: " + std::to_string(Body(Get("/healthz")).size()) + "\r\n"));
  EXPECT_THAT(reply, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, OtherPathsAndMethodsAreRefused) {
  for (const char* path : {"/", "/metricsx", "/metrics/", "/../../etc/passwd", "/%2e%2e/etc/passwd"})
    EXPECT_THAT(Get(path), StartsWith("HTTP/1.1 404 ")) << path;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string reply = Ask(server_->port(), method, "/metrics");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(reply, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(ServerTest, WhatASourceThrowsIsAnErrorOfThatRequestOnly) {
  auto server = Server::Start(
      "127.0.0.1:0",
      {[this] { return snapshot_; }, []() -> Health { throw std::runtime_error("broken source"); }, "1"});
  ASSERT_TRUE(server);
  EXPECT_THAT(Ask((*server)->port(), "GET", "/healthz"), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(Ask((*server)->port(), "GET", "/metrics"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, SilentClientsDoNotStarveTheProbes) {
  std::array<int, 8> silent;
  for (int& fd : silent) fd = Connect(server_->port());
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  for (const int fd : silent) close(fd);
}

TEST_F(ServerTest, EveryAddressIncludesTheLoopback) {
  auto server = Server::Start(":0", From());
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_THAT(Ask((*server)->port(), "GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, AnAddressInUseIsOneClearMessage) {
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  const auto second = Server::Start(address, From());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            "cannot listen on " + address + ": cannot bind to " + address + ": 98 (Address already in use)");
}

TEST_F(ServerTest, WhatIsNoAddressIsRefused) {
  for (const char* address : {"", ":", "8080x", "nowhere:8080", "127.0.0.1", "127.0.0.1:99999", ":80,:81",
                              ":80,81", ":443s", "8080"}) {
    const auto server = Server::Start(address, From());
    ASSERT_FALSE(server) << address;
    EXPECT_THAT(server.error().message, HasSubstr(address));
  }
}

TEST_F(ServerTest, AfterItsEndNobodyListens) {
  const int port = server_->port();
  ASSERT_NE(Get("/healthz"), "");
  server_.reset();
  EXPECT_EQ(Ask(port, "GET", "/healthz"), "");
}

}  // namespace
}  // namespace imagebatch::metrics

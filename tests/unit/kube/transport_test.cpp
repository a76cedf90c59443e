#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <memory>

#include "kube/cpprest_transport.h"
#include "support/fake_http_server.h"
#include "support/temporary_directory.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using testing::FakeHttpServer;
using ::testing::HasSubstr;
using testing::HttpRequest;
using testing::Reply;

Request Get(std::string path) {
  Request request;
  request.path = std::move(path);
  return request;
}

std::unique_ptr<HttpTransport> Connect(const std::string& url, const std::string& token = "") {
  TransportConfig config;
  config.server = url;
  config.token = token;
  auto transport = MakeCpprestTransport(config);
  EXPECT_TRUE(transport) << transport.error().message;
  return std::move(*transport);
}

/// One that answers every request in the same way.
void Ok(const HttpRequest&, Reply& reply) { reply.Send(200, "{}"); }

class Timer {
 public:
  std::chrono::milliseconds Elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

TEST(Send, PassesTheRequestOnAsItIs) {
  FakeHttpServer server(Ok);
  const auto transport = Connect(server.Url(), "secret");
  Request request;
  request.method = Method::Patch;
  request.path = "/apis/batch/v1/namespaces/x/jobs/y?labelSelector=a%3Db%2Cc%2Bd&force=true";
  request.body = "{\"a\":\"\xC3\xA9\"}";
  request.content_type = "application/merge-patch+json";
  ASSERT_TRUE(transport->Send(request, 10s));
  const HttpRequest seen = server.Requests().at(0);
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, request.path);
  EXPECT_EQ(seen.body, request.body);
  EXPECT_THAT(seen.headers.at("content-type"), ::testing::StartsWith("application/merge-patch+json"));
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(seen.headers.at("accept"), "application/json");
}

TEST(Send, KnowsEveryMethod) {
  FakeHttpServer server(Ok);
  const auto transport = Connect(server.Url());
  const std::pair<Method, const char*> methods[] = {{Method::Get, "GET"},
                                                    {Method::Post, "POST"},
                                                    {Method::Put, "PUT"},
                                                    {Method::Patch, "PATCH"},
                                                    {Method::Delete, "DELETE"}};
  for (const auto& [method, name] : methods) {
    Request request = Get("/x");
    request.method = method;
    if (method != Method::Get) request.body = "{}";  // DeleteOptions go in the body of a DELETE
    ASSERT_TRUE(transport->Send(request, 10s)) << name;
    EXPECT_EQ(server.Requests().back().method, name);
    EXPECT_EQ(server.Requests().back().body, request.body);
  }
  EXPECT_EQ(server.Requests()[0].headers.count("authorization"), 0U);
}

TEST(Send, KeepsAPrefixOfTheServersUrl) {
  FakeHttpServer server(Ok);
  ASSERT_TRUE(Connect(server.Url() + "/k8s/cluster")->Send(Get("/api/v1/pods?limit=5"), 10s));
  EXPECT_EQ(server.Requests().at(0).target, "/k8s/cluster/api/v1/pods?limit=5");
}

TEST(Send, ReturnsEveryStatusWithItsBody) {
  FakeHttpServer server([](const HttpRequest& request, Reply& reply) {
    reply.Send(std::stoi(request.target.substr(1)), "body of " + request.target);
  });
  const auto transport = Connect(server.Url());
  for (const int status : {200, 201, 404, 409, 410, 422, 500, 503}) {
    const auto response = transport->Send(Get("/" + std::to_string(status)), 10s);
    ASSERT_TRUE(response) << status << response.error().message;
    EXPECT_EQ(response->status, status);
    EXPECT_EQ(response->body, "body of /" + std::to_string(status));
    EXPECT_EQ(response->retry_after, std::nullopt);
  }
}

TEST(Send, ReadsRetryAfterInSeconds) {
  std::string value;
  FakeHttpServer server([&](const HttpRequest&, Reply& reply) {
    reply.Send(429, "", {{"Retry-After", value}});
  });
  const auto transport = Connect(server.Url());
  const std::pair<const char*, std::optional<std::chrono::seconds>> cases[] = {
      {"7", 7s}, {"0", 0s}, {"-1", {}}, {"1.5", {}}, {"Wed, 21 Oct 2026 07:28:00 GMT", {}}};
  for (const auto& [text, seconds] : cases) {
    value = text;
    EXPECT_EQ(transport->Send(Get("/"), 10s)->retry_after, seconds) << text;
  }
}

TEST(Send, DoesNotFollowRedirects) {
  FakeHttpServer other(Ok);
  FakeHttpServer server([&](const HttpRequest&, Reply& reply) {
    reply.Send(302, "", {{"Location", other.Url() + "/x"}});
  });
  const auto response = Connect(server.Url(), "secret")->Send(Get("/"), 10s);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_TRUE(other.Requests().empty());
}

TEST(Send, ReadsAChunkedReplyToItsEnd) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    for (int i = 0; i < 100; ++i) reply.Chunk(std::string(10000, 'x'));
    reply.End();
  });
  EXPECT_EQ(Connect(server.Url())->Send(Get("/"), 10s)->body.size(), 1000000U);
}

TEST(Send, KeepsItsConnection) {
  FakeHttpServer server(Ok);
  const auto transport = Connect(server.Url());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(transport->Send(Get("/"), 10s));
  // The library gives a connection back a moment after the reply, so a new one is opened now and then
  EXPECT_LE(server.Connections(), 10);
}

TEST(Send, TheDeadlineIsForTheWholeReply) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    do reply.Chunk("x");  // never silent for long, never at its end
    while (!reply.ClosedWithin(20ms));
  });
  const Timer timer;
  const auto response = Connect(server.Url())->Send(Get("/"), 300ms);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message, "timed out");
  EXPECT_GE(timer.Elapsed(), 300ms);
  EXPECT_LT(timer.Elapsed(), 5s);
}

TEST(Send, AServerThatSaysNothingTimesOut) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) { reply.WaitForClose(); });
  const auto transport = Connect(server.Url());
  EXPECT_EQ(transport->Send(Get("/"), 200ms).error().message, "timed out");
}

TEST(Send, AReplyBeyondTheLimitIsAnError) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    const std::string mebibyte(1 << 20, 'x');
    while (!reply.ClosedWithin(0ms)) reply.Chunk(mebibyte);
  });
  EXPECT_THAT(Connect(server.Url())->Send(Get("/"), 60s).error().message, HasSubstr("64 MiB"));
}

TEST(Send, KeepsOnlyTheLinesThatAreAskedFor) {
  FakeHttpServer server([](const HttpRequest& request, Reply& reply) {
    reply.Begin(request.target == "/refused" ? 403 : 200);
    const std::string flood = "12:00 " + std::string(1000, 'x') + "\n";
    for (int i = 0; i < 3000; ++i) reply.Chunk(i == 1500 ? "11:00 the word\n" + flood : flood);
    reply.Chunk("13:00 half");
    reply.End();
  });
  const auto transport = Connect(server.Url());
  Request request = Get("/log");
  request.only_lines_with = "the word";
  const auto response = transport->Send(request, 30s);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "11:00 the word\n12:00 " + std::string(122, 'x') + "\n");
  EXPECT_EQ(response->received, 3000U * 1007 + 15 + 10);
  request.path = "/refused";  // its body says why
  const auto refused = transport->Send(request, 30s);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->body.size(), refused->received);
}

TEST(Send, MoreThanWasAskedForIsNotListenedTo) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    const std::string piece(64 * 1024, 'x');
    while (!reply.ClosedWithin(0ms)) reply.Chunk(piece);
  });
  Request request = Get("/log");
  request.most_bytes = 1 << 20;
  request.only_lines_with = "the word";
  const auto response = Connect(server.Url())->Send(request, 30s);
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("more than was asked for"));
}

TEST(Send, AReplyThatBreaksOffIsAnError) {
  FakeHttpServer server([](const HttpRequest& request, Reply& reply) {
    if (request.target == "/length") reply.SendRaw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    if (request.target == "/chunked")
      reply.SendRaw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhalf");
    if (request.target == "/head") reply.SendRaw("HTTP/1.1 200 OK\r\nContent-Le");
    if (request.target == "/nonsense") reply.SendRaw("nonsense\r\n\r\n");
    reply.Drop();
  });
  const auto transport = Connect(server.Url());
  for (const char* path : {"/nothing", "/length", "/chunked", "/head", "/nonsense"})
    EXPECT_FALSE(transport->Send(Get(path), 10s)) << path;
}

TEST(Send, NobodyListeningIsAnError) {
  std::string url;
  {
    const FakeHttpServer gone(Ok);
    url = gone.Url();
  }
  EXPECT_FALSE(Connect(url)->Send(Get("/"), 10s));
}

TEST(Send, APathThatIsNoneIsAnError) {
  FakeHttpServer server(Ok);
  EXPECT_FALSE(Connect(server.Url())->Send(Get("/a b\r\nX: y"), 10s));
  EXPECT_TRUE(server.Requests().empty());
}

TEST(Send, WithoutItsTokenNothingIsSent) {
  FakeHttpServer server(Ok);
  TransportConfig config;
  config.server = server.Url();
  config.token_file = "/nowhere/token";
  const auto transport = MakeCpprestTransport(config);
  ASSERT_TRUE(transport);
  EXPECT_THAT((*transport)->Send(Get("/"), 10s).error().message, HasSubstr("/nowhere/token"));
  EXPECT_TRUE(server.Requests().empty());
}

/// What one Stream call brought.
struct Streamed {
  Result<void> end;
  int status = 0;
  std::string data;
};

Streamed ReadStream(HttpTransport& transport, std::chrono::milliseconds idle = 10s) {
  const std::atomic<bool> stop = false;
  Streamed streamed;
  streamed.end = transport.Stream(
      Get("/"), idle, stop,
      [&](const Response& head) {
        streamed.status = head.status;
        return true;
      },
      [&](std::string_view piece) {
        streamed.data.append(piece);
        return true;
      });
  return streamed;
}

TEST(Stream, HandsOnEachPieceAsItCame) {
  std::promise<void> first_seen;
  FakeHttpServer server([&](const HttpRequest&, Reply& reply) {
    reply.Begin();
    reply.Chunk("first\n");
    // The reply goes on only after the first piece has arrived at the other end
    if (first_seen.get_future().wait_for(10s) != std::future_status::ready) return reply.Drop();
    reply.Chunk("second\n");
    reply.End();
  });
  const std::atomic<bool> stop = false;
  std::vector<std::string> pieces;
  const auto transport = Connect(server.Url());
  const auto end = transport->Stream(
      Get("/"), 10s, stop, [](const Response& head) { return head.status == 200; },
      [&](std::string_view piece) {
        if (pieces.empty()) first_seen.set_value();
        pieces.emplace_back(piece);
        return true;
      });
  EXPECT_TRUE(end) << end.error().message;
  EXPECT_THAT(pieces, ::testing::ElementsAre("first\n", "second\n"));
}

TEST(Stream, ReadsAReplyThatIsNotChunked) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) { reply.Send(200, std::string(200000, 'x')); });
  const auto streamed = ReadStream(*Connect(server.Url()));
  EXPECT_TRUE(streamed.end);
  EXPECT_EQ(streamed.data.size(), 200000U);
}

TEST(Stream, HandsOnTheBodyOfARefusal) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Send(410, "gone", {{"Retry-After", "3"}});
  });
  const auto streamed = ReadStream(*Connect(server.Url()));
  EXPECT_TRUE(streamed.end);
  EXPECT_EQ(streamed.status, 410);
  EXPECT_EQ(streamed.data, "gone");
}

TEST(Stream, ADropIsAnErrorAfterWhatHadCome) {
  std::promise<void> seen;
  FakeHttpServer server([&](const HttpRequest&, Reply& reply) {
    reply.Begin();
    reply.Chunk("data");
    seen.get_future().wait_for(10s);
    reply.Drop();
  });
  const std::atomic<bool> stop = false;
  const auto transport = Connect(server.Url());
  const auto end = transport->Stream(
      Get("/"), 10s, stop, [](const Response&) { return true; },
      [&](std::string_view piece) {
        EXPECT_EQ(piece, "data");
        seen.set_value();
        return true;
      });
  EXPECT_FALSE(end);
}

TEST(Stream, SilenceIsAnErrorBeforeTheHeadAndAfterIt) {
  FakeHttpServer silent([](const HttpRequest&, Reply& reply) { reply.WaitForClose(); });
  EXPECT_EQ(ReadStream(*Connect(silent.Url()), 200ms).end.error().message, "timed out");
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    reply.Chunk("x");
    reply.WaitForClose();
  });
  const auto streamed = ReadStream(*Connect(server.Url()), 200ms);
  EXPECT_EQ(streamed.end.error().message, "timed out");
  EXPECT_EQ(streamed.data, "x");
}

TEST(Stream, LastsLongerThanTheIdleLimitAsLongAsBytesCome) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    for (int i = 0; i < 20 && !reply.ClosedWithin(50ms); ++i) reply.Chunk("x");
    reply.End();
  });
  const auto streamed = ReadStream(*Connect(server.Url()), 500ms);
  EXPECT_TRUE(streamed.end) << streamed.end.error().message;
  EXPECT_EQ(streamed.data.size(), 20U);
}

TEST(Stream, StopsAtOnceWithoutAnError) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    reply.WaitForClose();
  });
  std::atomic<bool> stop = false;
  const auto transport = Connect(server.Url());
  auto end = std::async(std::launch::async, [&] {
    return transport->Stream(
        Get("/"), 60s, stop, [](const Response&) { return true; }, [](std::string_view) { return true; });
  });
  ASSERT_TRUE(server.WaitForRequests(1));
  const Timer timer;
  stop = true;
  EXPECT_TRUE(end.get());
  EXPECT_LT(timer.Elapsed(), 1s);
}

TEST(Stream, EndsWhereItsReaderHasEnough) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) {
    reply.Begin();
    reply.Chunk("data");
    reply.WaitForClose();
  });
  const auto transport = Connect(server.Url());
  const std::atomic<bool> stop = false;
  const auto take = [](std::string_view) { return false; };
  EXPECT_TRUE(transport->Stream(
      Get("/"), 10s, stop, [](const Response&) { return false; }, take));
  EXPECT_TRUE(transport->Stream(
      Get("/"), 10s, stop, [](const Response&) { return true; }, take));
}

TEST(Stream, HasAConnectionOfItsOwnAndLeavesTheOthersAlone) {
  FakeHttpServer server([](const HttpRequest& request, Reply& reply) {
    if (request.target == "/request") return reply.Send(200, "{}");
    reply.Begin();
    reply.End();
  });
  const auto transport = Connect(server.Url());
  ASSERT_TRUE(transport->Send(Get("/request"), 10s));
  EXPECT_TRUE(ReadStream(*transport).end);
  EXPECT_TRUE(ReadStream(*transport).end);
  const auto requests = server.Requests();
  EXPECT_NE(requests[1].connection, requests[0].connection);
  EXPECT_NE(requests[2].connection, requests[0].connection);
  EXPECT_NE(requests[2].connection, requests[1].connection);
}

TEST(Shutdown, EndsEveryCallAndRefusesLaterOnes) {
  FakeHttpServer server([](const HttpRequest&, Reply& reply) { reply.WaitForClose(); });
  const auto transport = Connect(server.Url());
  auto sent = std::async(std::launch::async, [&] { return transport->Send(Get("/"), 60s); });
  auto streamed = std::async(std::launch::async, [&] { return ReadStream(*transport, 60s).end; });
  ASSERT_TRUE(server.WaitForRequests(2));
  const Timer timer;
  transport->Shutdown();
  EXPECT_EQ(sent.get().error().message, "stopped");
  EXPECT_EQ(streamed.get().error().message, "stopped");
  EXPECT_LT(timer.Elapsed(), 1s);
  EXPECT_FALSE(transport->Send(Get("/"), 60s));
  EXPECT_FALSE(ReadStream(*transport).end);
}

TEST(MakeCpprestTransport, SaysAtOnceWhatCannotWork) {
  const auto error = [](const TransportConfig& config) {
    const auto transport = MakeCpprestTransport(config);
    return transport ? "" : transport.error().message;
  };
  TransportConfig config;
  config.server = "https://[::1]:6443";
  EXPECT_THAT(error(config), HasSubstr("IPv6"));
  config.server = "https://";
  EXPECT_NE(error(config), "");
  config.server = "https://a b";
  EXPECT_NE(error(config), "");
  config.server = "https://localhost";
  EXPECT_EQ(error(config), "");
  config.ca.data = "nonsense";
  EXPECT_THAT(error(config), HasSubstr("certificate authority"));
}

}  // namespace
}  // namespace imagebatch::kube

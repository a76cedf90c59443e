#include "kube/reflector.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <algorithm>
#include <future>

#include "kube/cpprest_transport.h"
#include "support/fake_http_server.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeHttpServer;
using ::testing::HasSubstr;
using testing::HttpRequest;
using testing::Reply;

std::string Object(const std::string& name, int version) {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + std::to_string(version) + R"("}})";
}
std::string Event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string Bookmark(int version) {
  return Event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + std::to_string(version) + R"("}})");
}
std::string ListOf(const std::vector<std::string>& objects, int version, const std::string& token = "") {
  std::string text = R"({"metadata":{"resourceVersion":")" + std::to_string(version) + R"(","continue":")" +
                     token + R"("},"items":[)";
  for (size_t i = 0; i < objects.size(); ++i) text.append(i == 0 ? "" : ",").append(objects[i]);
  return text.append("]}");
}
const char* const kExpired = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";

/// Writes down what a reflector says, one word for each call: "begin", "listed a", "end 10", "added b",
/// "bookmark 12", "restart eof", "healthy".
class RecordingSink final : public WatchSink {
 public:
  void OnListBegin() override { Add("begin"); }
  void OnObject(Change change, std::string_view json) override {
    // Reads the padding too: what the contract promises is used
    simdjson::ondemand::document document;
    std::string_view name;
    const simdjson::padded_string_view padded(json.data(), json.size(),
                                              json.size() + simdjson::SIMDJSON_PADDING);
    const bool read = parser_.iterate(padded).get(document) == simdjson::SUCCESS &&
                      document["metadata"]["name"].get_string().get(name) == simdjson::SUCCESS;
    static constexpr const char* kNames[] = {"listed ", "added ", "modified ", "deleted "};
    Add(kNames[static_cast<int>(change)] + (read ? std::string(name) : "unreadable"));
  }
  void OnListEnd(const std::string& version) override { Add(std::string("end ").append(version)); }
  void OnBookmark(const std::string& version) override { Add(std::string("bookmark ").append(version)); }
  void OnRestart(RestartReason reason, const std::string& detail) override {
    Add(std::string("restart ").append(Label(reason)));
    const std::lock_guard lock(mutex_);
    details_.push_back(detail);
  }
  void OnHealth(bool healthy, const std::string&) override { Add(healthy ? "healthy" : "unhealthy"); }

  /// Waits until `entry` has come `times` times; false after 10 s.
  bool WaitFor(const std::string& entry, int times = 1) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, 10s, [&] { return std::ranges::count(log_, entry) >= times; });
  }
  std::vector<std::string> Log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  std::string Details() {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& detail : details_) all.append(detail).append("\n");
    return all;
  }

 private:
  void Add(std::string entry) {
    const std::lock_guard lock(mutex_);
    log_.push_back(std::move(entry));
    came_.notify_all();
  }

  simdjson::ondemand::parser parser_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::string> log_, details_;
};

/// A server whose lists and watches are each answered by the next of a series; the last one repeats.
class ReflectorTest : public ::testing::Test {
 protected:
  using Handler = FakeHttpServer::Handler;

  static Handler Send(int status, const std::string& body) {
    return [=](const HttpRequest&, Reply& reply) { reply.Send(status, body); };
  }
  static Handler Say(const std::vector<std::string>& chunks) {
    return [=](const HttpRequest&, Reply& reply) {
      reply.Begin();
      for (const std::string& chunk : chunks) reply.Chunk(chunk);
      reply.End();
    };
  }
  /// Says this and then stays silent with the connection open.
  static Handler SayAndWait(const std::vector<std::string>& chunks) {
    return [=](const HttpRequest&, Reply& reply) {
      reply.Begin();
      for (const std::string& chunk : chunks) reply.Chunk(chunk);
      reply.WaitForClose();
    };
  }

  void Start(std::vector<Handler> lists, std::vector<Handler> watches) {
    lists_ = std::move(lists);
    watches_ = std::move(watches);
    TransportConfig config;
    config.server = server_.Url();
    transport_ = std::move(*MakeCpprestTransport(config));
    client_ = std::make_unique<ApiClient>(*transport_, stats_);
    reflector_ = std::make_unique<Reflector>(*client_, collection_, sink_, 1, timing_);
  }
  std::vector<std::string> Targets(std::string_view containing) {
    std::vector<std::string> targets;
    for (const HttpRequest& request : server_.Requests())
      if (request.target.find(containing) != std::string::npos) targets.push_back(request.target);
    return targets;
  }

  Collection collection_{"/api/v1/pods", "a=b,c in (d)", 2};
  ReflectorTiming timing_{10s, {1ms, 5ms}};
  RecordingSink sink_;
  RequestStats stats_;
  std::vector<Handler> lists_, watches_;
  std::atomic<size_t> next_list_ = 0, next_watch_ = 0;
  FakeHttpServer server_{[this](const HttpRequest& request, Reply& reply) {
    const bool watch = request.target.find("watch=true") != std::string::npos;
    const auto& series = watch ? watches_ : lists_;
    const size_t at = watch ? next_watch_++ : next_list_++;
    series[std::min(at, series.size() - 1)](request, reply);
  }};
  std::unique_ptr<HttpTransport> transport_;
  std::unique_ptr<ApiClient> client_;
  std::unique_ptr<Reflector> reflector_;
};

TEST_F(ReflectorTest, ListsPageByPageThenWatchesFromTheList) {
  Start({Send(200, ListOf({Object("a", 1), Object("b", 2)}, 10, "next")),
         Send(200, ListOf({Object("c", 3)}, 10))},
        {SayAndWait({Event("ADDED", Object("d", 11)), Event("MODIFIED", Object("a", 12)),
                     Event("DELETED", Object("b", 13)), Bookmark(20)})});
  ASSERT_TRUE(sink_.WaitFor("bookmark 20"));
  reflector_->Stop();
  EXPECT_THAT(sink_.Log(), ElementsAre("begin", "listed a", "listed b", "healthy", "listed c", "end 10",
                                       "added d", "modified a", "deleted b", "bookmark 20"));
  const std::string selector = "&labelSelector=a%3Db%2Cc%20in%20%28d%29";
  EXPECT_THAT(Targets("limit="), ElementsAre("/api/v1/pods?limit=2" + selector,
                                             "/api/v1/pods?limit=2&continue=next" + selector));
  EXPECT_THAT(Targets("watch=true"),
              ElementsAre(::testing::AllOf(HasSubstr("&resourceVersion=10&"), HasSubstr(selector))));
}

TEST_F(ReflectorTest, ContinuesFromTheLastVersionWhenTheStreamEnds) {
  Start({Send(200, ListOf({}, 10))},
        {Say({Event("ADDED", Object("a", 11))}), Say({Bookmark(25)}), SayAndWait({})});
  ASSERT_TRUE(server_.WaitForRequests(4));
  EXPECT_THAT(Targets("watch=true"),
              ElementsAre(HasSubstr("resourceVersion=10"), HasSubstr("resourceVersion=11"),
                          HasSubstr("resourceVersion=25")));
  EXPECT_EQ(Targets("limit=").size(), 1U);
  EXPECT_TRUE(sink_.WaitFor("restart eof", 2));
}

TEST_F(ReflectorTest, ContinuesFromTheLastVersionAfterADrop) {
  std::promise<void> seen;
  Start({Send(200, ListOf({}, 10))}, {[&](const HttpRequest&, Reply& reply) {
                                        reply.Begin();
                                        reply.Chunk(Event("ADDED", Object("a", 11)));
                                        sink_.WaitFor("added a");
                                        reply.Chunk(R"({"type":"ADDED","object":{"metada)");
                                        reply.Drop();
                                      },
                                      SayAndWait({Event("ADDED", Object("b", 12))})});
  ASSERT_TRUE(sink_.WaitFor("added b"));
  EXPECT_TRUE(sink_.WaitFor("restart error"));
  EXPECT_THAT(Targets("watch=true").at(1), HasSubstr("resourceVersion=11"));
  EXPECT_EQ(Targets("limit=").size(), 1U);
}

TEST_F(ReflectorTest, ALineMayComeInPieces) {
  const std::string event = Event("ADDED", Object("a", 11));
  std::vector<std::string> chunks;
  for (const char c : event) chunks.emplace_back(1, c);
  Start({Send(200, ListOf({}, 10))}, {SayAndWait(chunks)});
  EXPECT_TRUE(sink_.WaitFor("added a"));
}

TEST_F(ReflectorTest, ListsAgainWhenTheVersionIsGoneAsAStatusOfHttp) {
  Start({Send(200, ListOf({Object("a", 1)}, 10)), Send(200, ListOf({Object("b", 2)}, 50))},
        {Send(410, kExpired), SayAndWait({Event("ADDED", Object("c", 51))})});
  ASSERT_TRUE(sink_.WaitFor("added c"));
  reflector_->Stop();
  EXPECT_THAT(sink_.Log(), ElementsAre("begin", "listed a", "end 10", "healthy", "restart 410", "begin",
                                       "listed b", "end 50", "added c"));
  EXPECT_THAT(Targets("watch=true").at(1), HasSubstr("resourceVersion=50"));
  EXPECT_THAT(sink_.Details(), HasSubstr("watch: 410 Expired: too old"));
}

TEST_F(ReflectorTest, ListsAgainWhenTheVersionIsGoneWithinTheStream) {
  Start({Send(200, ListOf({}, 10)), Send(200, ListOf({}, 50))},
        {Say({Event("ADDED", Object("a", 11)), Event("ERROR", kExpired)}),
         SayAndWait({Event("ADDED", Object("b", 51))})});
  ASSERT_TRUE(sink_.WaitFor("added b"));
  EXPECT_TRUE(sink_.WaitFor("restart 410"));
  EXPECT_THAT(Targets("watch=true").at(1), HasSubstr("resourceVersion=50"));
}

TEST_F(ReflectorTest, ListsAgainWhenAStatusComesInPlaceOfTheStream) {
  for (const std::string& body : {std::string(kExpired), std::string(kExpired) + "\n"}) {
    next_list_ = next_watch_ = 0;
    Start({Send(200, ListOf({}, 10)), Send(200, ListOf({}, 50))},
          {Send(200, body), SayAndWait({Event("ADDED", Object("b", 51))})});
    ASSERT_TRUE(sink_.WaitFor("added b"));
    EXPECT_TRUE(sink_.WaitFor("restart 410"));
    reflector_->Stop();
  }
}

TEST_F(ReflectorTest, BeginsTheListAgainWhenItsContinueTokenIsGone) {
  Start({Send(200, ListOf({Object("a", 1)}, 10, "old")), Send(410, kExpired),
         Send(200, ListOf({Object("b", 2)}, 50))},
        {SayAndWait({})});
  ASSERT_TRUE(sink_.WaitFor("end 50"));
  reflector_->Stop();
  EXPECT_THAT(sink_.Log(),
              ElementsAre("begin", "listed a", "healthy", "restart 410", "begin", "listed b", "end 50"));
  EXPECT_THAT(Targets("limit="),
              ElementsAre(HasSubstr("limit=2&label"), HasSubstr("continue=old"), HasSubstr("limit=2&label")));
}

TEST_F(ReflectorTest, ASilentConnectionIsReplaced) {
  timing_.idle = 200ms;
  Start({Send(200, ListOf({}, 10))},
        {SayAndWait({Event("ADDED", Object("a", 11))}), SayAndWait({Event("ADDED", Object("b", 12))})});
  ASSERT_TRUE(sink_.WaitFor("added b"));
  EXPECT_TRUE(sink_.WaitFor("restart idle"));
  EXPECT_THAT(Targets("watch=true").at(1), HasSubstr("resourceVersion=11"));
}

TEST_F(ReflectorTest, AnObjectThatCannotBeReadDoesNotEndTheWatch) {
  Start({Send(200, ListOf({R"({"metadata":5})", Object("a", 1)}, 10))},
        {SayAndWait({Event("ADDED", R"({"metadata":[],"x":"\ud800"})"), Event("ADDED", Object("b", 12))})});
  ASSERT_TRUE(sink_.WaitFor("added b"));
  reflector_->Stop();
  EXPECT_THAT(sink_.Log(), ElementsAre("begin", "listed unreadable", "listed a", "end 10", "healthy",
                                       "added unreadable", "added b"));
  EXPECT_EQ(Targets("watch=true").size(), 1U);
}

TEST_F(ReflectorTest, ListsAgainAfterALineThatIsNoEvent) {
  Start({Send(200, ListOf({}, 10)), Send(200, ListOf({}, 50))},
        {Say({"nonsense\n"}), SayAndWait({Event("ADDED", Object("b", 51))})});
  ASSERT_TRUE(sink_.WaitFor("added b"));
  EXPECT_TRUE(sink_.WaitFor("restart broken"));
  EXPECT_TRUE(sink_.WaitFor("end 50"));
}

TEST_F(ReflectorTest, ListsAgainAfterALineThatIsTooLong) {
  const std::vector<std::string> seventeen_mebibytes(17, std::string(1 << 20, 'x'));
  Start({Send(200, ListOf({}, 10)), Send(200, ListOf({}, 50))},
        {SayAndWait(seventeen_mebibytes), SayAndWait({})});
  ASSERT_TRUE(sink_.WaitFor("end 50")) << sink_.Details();
  EXPECT_THAT(sink_.Details(), HasSubstr("too long"));
}

TEST_F(ReflectorTest, TriesUntilTheServerAnswersAndSaysSo) {
  Start({Send(500, "oops"), Send(403, R"({"kind":"Status","reason":"Forbidden","message":"no"})"),
         [](const HttpRequest&, Reply& reply) { reply.SendRaw("nonsense\r\n\r\n"); }, Send(200, "nonsense"),
         Send(200, ListOf({}, 10))},
        {Send(503, ""), SayAndWait({Bookmark(11)})});
  ASSERT_TRUE(sink_.WaitFor("bookmark 11"));
  reflector_->Stop();
  EXPECT_THAT(sink_.Log(), ElementsAre("restart error", "unhealthy", "restart error", "restart error",
                                       "begin", "restart broken", "begin", "end 10", "healthy",
                                       "restart error", "unhealthy", "healthy", "bookmark 11"));
  EXPECT_THAT(sink_.Details(), HasSubstr("list: 403 Forbidden: no"));
}

TEST_F(ReflectorTest, ARightThatIsLostForAWhileListsNothingAnew) {
  Start({Send(200, ListOf({}, 10))}, {Send(403, R"({"kind":"Status","code":403,"reason":"Forbidden"})"),
                                      Send(401, ""), SayAndWait({Bookmark(11)})});
  ASSERT_TRUE(sink_.WaitFor("bookmark 11"));
  reflector_->Stop();
  EXPECT_EQ(std::ranges::count(sink_.Log(), "begin"), 1);
  EXPECT_EQ(std::ranges::count(sink_.Log(), "restart error"), 2);
}

/// Gives no page of more than `most` objects.
class FrugalTransport final : public HttpTransport {
 public:
  explicit FrugalTransport(int most) : most_(most) {}
  Result<Response> Send(const Request& request, std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    pages_.push_back(std::stoi(request.path.substr(request.path.find("limit=") + 6)));
    if (pages_.back() > most_) return Fail(kTooLarge);
    return Response{200, ListOf({}, 10), {}};
  }
  Result<void> Stream(const Request&, std::chrono::milliseconds, const std::atomic<bool>&,
                      const std::function<bool(const Response&)>&,
                      const std::function<bool(std::string_view)>&) override {
    return Fail("no watch here");
  }
  void Shutdown() override {}
  std::vector<int> Pages() {
    const std::lock_guard lock(mutex_);
    return pages_;
  }

 private:
  const int most_;
  std::mutex mutex_;
  std::vector<int> pages_;
};

TEST(ReflectorOfLargeObjects, AsksForSmallerPagesUntilOneFits) {
  FrugalTransport transport(100);
  RequestStats stats;
  ApiClient client(transport, stats);
  RecordingSink sink;
  Reflector reflector(client, {"/jobs", "", 500}, sink, 1, {90s, {1ms, 2ms}});
  ASSERT_TRUE(sink.WaitFor("end 10"));
  reflector.Stop();
  EXPECT_THAT(transport.Pages(), ElementsAre(500, 250, 125, 62));
}

TEST_F(ReflectorTest, ObeysRetryAfterOfAListAndOfAWatch) {
  const auto refuse = [](const HttpRequest&, Reply& reply) { reply.Send(429, "", {{"Retry-After", "1"}}); };
  Start({refuse, Send(200, ListOf({}, 10))}, {refuse, SayAndWait({Bookmark(11)})});
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(sink_.WaitFor("bookmark 11"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 1900ms);
}

TEST_F(ReflectorTest, StopsAtOnceInEveryState) {
  for (const bool while_watching : {true, false}) {
    timing_.backoff = {1h, 1h};
    next_list_ = next_watch_ = 0;
    Start({while_watching ? Send(200, ListOf({}, 10)) : Send(500, "")}, {SayAndWait({Bookmark(11)})});
    ASSERT_TRUE(sink_.WaitFor(while_watching ? "bookmark 11" : "restart error"));
    const auto start = std::chrono::steady_clock::now();
    reflector_->Stop();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  }
}

TEST_F(ReflectorTest, CountsItsRequests) {
  Start({Send(500, ""), Send(200, ListOf({}, 10))}, {Send(410, kExpired), SayAndWait({Bookmark(11)})});
  ASSERT_TRUE(sink_.WaitFor("bookmark 11"));
  reflector_->Stop();
  const auto counts = stats_.Snapshot();
  EXPECT_EQ(counts.at({RequestKind{"list", "pods"}, "500"}), 1U);
  EXPECT_EQ(counts.at({RequestKind{"list", "pods"}, "200"}), 2U);
  EXPECT_EQ(counts.at({RequestKind{"watch", "pods"}, "410"}), 1U);
  EXPECT_EQ(counts.at({RequestKind{"watch", "pods"}, "200"}), 1U);
}

}  // namespace
}  // namespace imagebatch::kube

#include "cli/cluster/cluster.h"

#include <gmock/gmock.h>

#include "cli/cluster/build_names.h"
#include "cli/cluster/build_objects.h"
#include "cli/view/json_access.h"
#include "kube/cpprest_transport.h"
#include "support/fake_http_server.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::FakeHttpServer;
using ::testing::HasSubstr;
using testing::HttpRequest;

/// A cluster that answers as each test says.
class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest()
      : server_([this](const HttpRequest& request, testing::Reply& reply) { answer_(request, reply); }) {
    kube::TransportConfig config;
    config.server = server_.Url();
    cluster_ = std::make_unique<Cluster>(std::move(*kube::MakeCpprestTransport(config)), "builds",
                                         ClusterPlace{config.server, "", false});
  }

  FakeHttpServer::Handler answer_;
  FakeHttpServer server_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, ReadsAllPagesOfAList) {
  answer_ = [](const HttpRequest& request, testing::Reply& reply) {
    const bool second = request.target.find("continue=a%2Fb") != std::string::npos;
    reply.Send(200,
               second ? R"({"items":[{"n":2}]})" : R"({"metadata":{"continue":"a/b"},"items":[{"n":1}]})");
  };
  const auto items = cluster_->List("/api/v1/pods", "a=b,c=d");
  ASSERT_TRUE(items) << items.error().message;
  EXPECT_THAT(*items, ElementsAre(json{{"n", 1}}, json{{"n", 2}}));
  EXPECT_THAT(server_.Requests().at(0).target, HasSubstr("labelSelector=a%3Db%2Cc%3Dd"));
}

TEST_F(ClusterTest, AsksAgainWhereTheServerSaysWhen) {
  int asked = 0;
  answer_ = [&](const HttpRequest&, testing::Reply& reply) {
    ++asked < 3 ? reply.Send(429, "{}", {{"Retry-After", "0"}}) : reply.Send(200, R"({"kind":"x"})");
  };
  const auto found = cluster_->Find("/x");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(asked, 3);
  asked = -100;
  EXPECT_THAT(cluster_->Find("/x").error().message, HasSubstr("429"));
  EXPECT_EQ(asked, -95) << "and gives up";
}

TEST_F(ClusterTest, TakesNothingButObjects) {
  for (const char* body : {"[]", "x", ""}) {
    answer_ = [body](const HttpRequest&, testing::Reply& reply) { reply.Send(200, body); };
    EXPECT_THAT(cluster_->Find("/x").error().message, HasSubstr("something else than an object"));
    EXPECT_THAT(cluster_->List("/x").error().message, HasSubstr("something else than a list"));
  }
}

TEST_F(ClusterTest, PutsResultsIntoTheirOrder) {
  answer_ = [](const HttpRequest&, testing::Reply& reply) {
    json list = {{"items", json::array()}};
    for (const int number : {0, 1, 10, 2})
      list["items"].push_back({{"metadata", {{"name", "hello-results-" + std::to_string(number)}}},
                               {"results", {{{"n", number}}}}});
    reply.Send(200, list.dump());
  };
  const auto results = ReadResults(*cluster_, "builds", "u");
  ASSERT_TRUE(results) << results.error().message;
  EXPECT_THAT(*results, ElementsAre(json{{"n", 0}}, json{{"n", 1}}, json{{"n", 2}}, json{{"n", 10}}));
}

TEST_F(ClusterTest, KnowsBuildsByTheirTracesWhereRowsCannotBeRead) {
  answer_ = [](const HttpRequest& request, testing::Reply& reply) {
    const auto has = [&](const char* part) { return request.target.find(part) != std::string::npos; };
    if (has("/configmaps/")) return reply.Send(403, "{}");
    if (has("/imagebatchrecords"))
      return reply.Send(
          200, R"({"items":[{"results":[{"stage":"image","name":"from-a-result"}, {"stage":"image"}]}]})");
    reply.Send(200, R"({"items":[{"metadata":{"labels":{"imagebatch.dev/stage":"image"},
                        "annotations":{"imagebatch.dev/name":"from-a-job"}}},{}]})");
  };
  const json batch = json::parse(R"({"apiVersion":"imagebatch.dev/v1alpha1","kind":"ImageBatch",
    "metadata":{"name":"hello","namespace":"builds","uid":"u"},
    "spec":{"images":{"configMaps":[{"name":"rows","key":"r"}]},
            "stages":[{"name":"image","image":"r/$(name):1","template":{"spec":{"containers":[
              {"name":"build","image":"b","command":["b"]}]}}}]},
    "status":{"hungBuilds":[{"stage":"image","name":"from-the-status"}]}})");
  const auto known = KnownBuilds(*cluster_, batch);
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_THAT(*known, ElementsAre(BuildName{"image", "from-a-job"}, BuildName{"image", "from-a-result"},
                                  BuildName{"image", "from-the-status"}));
  EXPECT_THAT(server_.Requests().at(0).target, HasSubstr("/namespaces/builds/configmaps/rows"));
}

TEST_F(ClusterTest, KnowsTheBuildsOfTheSelectedRowsOfANewerBatch) {
  answer_ = [](const HttpRequest&, testing::Reply& reply) { reply.Send(404, "{}"); };
  const json batch = json::parse(R"({"apiVersion":"imagebatch.dev/v1alpha1","kind":"ImageBatch",
    "metadata":{"name":"hello","namespace":"builds","uid":"u"},
    "spec":{"unknown":1,"images":{"rows":[{"name":"a"},{"name":"b"}],"select":{"names":["b"]}},
            "stages":[{"name":"image","unknown":1,"image":"r/$(name):1","template":{"spec":{"containers":[
              {"name":"build","image":"b","command":["b"]}]}}}]}})");
  const auto known = KnownBuilds(*cluster_, batch);
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_THAT(*known, ElementsAre(BuildName{"image", "b"}));
}

TEST_F(ClusterTest, FindsABuildByItsJobWithoutTheRows) {
  answer_ = [](const HttpRequest&, testing::Reply& reply) {
    reply.Send(200, R"({"items":[{"kind":"Job"}]})");
  };
  const json batch = json::parse(R"({"metadata":{"name":"hello","namespace":"builds","uid":"u"},
    "spec":{"images":{"configMaps":[{"name":"rows","key":"r"}]},"stages":[{"name":"env"},{"name":"image"}]}})");
  const auto build = FindBuild(*cluster_, batch, "image/a/b");
  ASSERT_TRUE(build) << build.error().message;
  EXPECT_EQ(*build, (BuildName{"image", "a/b"}));
  ASSERT_EQ(server_.Requests().size(), 1U);
  EXPECT_THAT(server_.Requests().at(0).target, HasSubstr("/namespaces/builds/jobs?"));
}

TEST(PodOfTest, IsTheYoungestOfTheAttempt) {
  const auto pod = [](const char* attempt, const char* created) {
    return json{
        {"metadata", {{"labels", {{"imagebatch.dev/attempt", attempt}}}, {"creationTimestamp", created}}}};
  };
  const std::vector<json> pods = {pod("1", "2026-01-01T00:00:00Z"), pod("2", "2026-01-01T00:02:00Z"),
                                  pod("2", "2026-01-01T00:01:00Z")};
  EXPECT_EQ(PodOf(pods, 0), &pods[1]);
  EXPECT_EQ(PodOf(pods, 1), &pods[0]);
  EXPECT_EQ(PodOf(pods, 3), nullptr);
  EXPECT_EQ(PodOf({}, 0), nullptr);
}

}  // namespace
}  // namespace imagebatch::cli

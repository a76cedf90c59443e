#include <gmock/gmock.h>

#include "kube/paths.h"
#include "kube/request_stats.h"

namespace imagebatch::kube {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(Paths, NamesCollectionsAndObjects) {
  const ResourceType jobs{"batch/v1", "jobs"}, pods{"v1", "pods"};
  EXPECT_EQ(CollectionPath(jobs, ""), "/apis/batch/v1/jobs");
  EXPECT_EQ(CollectionPath(jobs, "x"), "/apis/batch/v1/namespaces/x/jobs");
  EXPECT_EQ(CollectionPath(pods, "x"), "/api/v1/namespaces/x/pods");
  EXPECT_EQ(ObjectPath(pods, "x", "y"), "/api/v1/namespaces/x/pods/y");
  EXPECT_EQ(ObjectPath(pods, "x", "y", "log"), "/api/v1/namespaces/x/pods/y/log");
}

TEST(Paths, EscapesWhatCouldLeaveItsPlace) {
  EXPECT_EQ(ObjectPath({"v1", "pods"}, "x", "../secrets"), "/api/v1/namespaces/x/pods/..%2Fsecrets");
}

struct KindCase {
  Method method;
  const char* path;
  const char* verb;
  const char* resource;
};

void PrintTo(const KindCase& one, std::ostream* out) { *out << one.verb << ' ' << one.resource; }

class KindOfTest : public ::testing::TestWithParam<KindCase> {};

TEST_P(KindOfTest, IsWhatKubernetesCallsIt) {
  Request request;
  request.method = GetParam().method;
  request.path = GetParam().path;
  EXPECT_EQ(KindOf(request), (RequestKind{GetParam().verb, GetParam().resource})) << request.path;
}

INSTANTIATE_TEST_SUITE_P(
    Requests, KindOfTest,
    ::testing::Values(
        KindCase{Method::Get, "/apis/batch/v1/jobs?limit=500", "list", "jobs"},
        KindCase{Method::Get, "/apis/batch/v1/namespaces/x/jobs?watch=true&resourceVersion=1", "watch",
                 "jobs"},
        KindCase{Method::Get, "/apis/batch/v1/namespaces/x/jobs?labelSelector=watch%3Dtrue", "list", "jobs"},
        KindCase{Method::Get, "/apis/batch/v1/namespaces/x/jobs/y", "get", "jobs"},
        KindCase{Method::Post, "/apis/batch/v1/namespaces/x/jobs", "create", "jobs"},
        KindCase{Method::Put, "/api/v1/namespaces/x/configmaps/y", "update", "configmaps"},
        KindCase{Method::Patch, "/apis/imagebatch.dev/v1alpha1/namespaces/x/imagebatches/y/status", "patch",
                 "imagebatches/status"},
        KindCase{Method::Delete, "/api/v1/namespaces/x/pods/y", "delete", "pods"},
        KindCase{Method::Delete, "/api/v1/namespaces/x/pods?labelSelector=a", "deletecollection", "pods"},
        KindCase{Method::Get, "/api/v1/namespaces/x/pods/y/log?limitBytes=5", "get", "pods/log"},
        KindCase{Method::Get, "/api/v1/nodes/y", "get", "nodes"},
        KindCase{Method::Get, "/api/v1/nodes", "list", "nodes"},
        KindCase{Method::Get, "/api/v1/namespaces", "list", "namespaces"},
        KindCase{Method::Get, "/api/v1/namespaces/x", "get", "namespaces"},
        KindCase{Method::Patch, "/api/v1/namespaces/x/status", "patch", "namespaces/status"},
        KindCase{Method::Get, "/readyz", "get", ""}, KindCase{Method::Get, "/apis/batch/v1", "get", ""},
        KindCase{Method::Get, "/api", "get", ""}, KindCase{Method::Get, "", "get", ""}));

TEST(RequestStats, CountsByVerbResourceAndCode) {
  RequestStats stats;
  Request create;
  create.method = Method::Post;
  create.path = "/apis/batch/v1/namespaces/x/jobs";
  stats.Count(create, 201);
  stats.Count(create, 201);
  stats.Count(create, 409);
  stats.Count(create, 0);
  const RequestKind kind{"create", "jobs"};
  EXPECT_THAT(stats.Snapshot(),
              UnorderedElementsAre(Pair(std::tuple(kind, "201"), 2), Pair(std::tuple(kind, "409"), 1),
                                   Pair(std::tuple(kind, "<error>"), 1)));
}

}  // namespace
}  // namespace imagebatch::kube

#include "cli/cluster/refusal.h"

#include <gmock/gmock.h>

namespace imagebatch::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const ClusterPlace kPlace{"https://api.example:6443", "/c: context \"main\"", false};

kube::Request To(std::string path, kube::Method method = kube::Method::Get) {
  kube::Request request;
  request.method = method;
  request.path = std::move(path);
  return request;
}

kube::Response Reply(int status, std::string body) {
  kube::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

std::string Status(int code, const std::string& reason, const std::string& message,
                   const std::string& details = "{}") {
  return R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason +
         R"(","message":")" + message + R"(","details":)" + details + "}";
}

constexpr const char* kBatch = "/apis/imagebatch.dev/v1alpha1/namespaces/builds/imagebatches/hello";

TEST(TellRefusal, SaysWhoMayNotDoWhat) {
  const auto refused = Reply(403, Status(403, "Forbidden",
                                         R"(imagebatches.imagebatch.dev \"hello\" is forbidden: User )"
                                         R"(\"alice\" cannot patch resource)"));
  EXPECT_EQ(TellRefusal(To(std::string(kBatch) + "?a=b", kube::Method::Patch), refused, kPlace),
            "no permission: user \"alice\" may not patch imagebatches.imagebatch.dev in namespace builds; "
            "the ClusterRole "
            "imagebatch-editor grants it");
  EXPECT_THAT(TellRefusal(To("/api/v1/namespaces/builds/pods/p/log"), refused, kPlace),
              AllOf(HasSubstr("may not get pods/log in namespace builds"), HasSubstr("ClusterRole view")));
  EXPECT_THAT(TellRefusal(To("/apis/imagebatch.dev/v1alpha1/imagebatches?limit=1"), refused, kPlace),
              HasSubstr("may not list imagebatches.imagebatch.dev in all namespaces"));
}

TEST(TellRefusal, HandsOnWhatAPolicySays) {
  EXPECT_EQ(TellRefusal(To(kBatch), Reply(403, Status(403, "Forbidden", "exceeded quota: q")), kPlace),
            "refused: exceeded quota: q");
}

TEST(TellRefusal, KnowsCredentialsThatAreNotAccepted) {
  const auto refused = Reply(401, Status(401, "Unauthorized", "Unauthorized"));
  EXPECT_THAT(
      TellRefusal(To(kBatch), refused, kPlace),
      AllOf(HasSubstr("https://api.example:6443 (/c: context \"main\") does not accept the credentials"),
            HasSubstr("has expired or is wrong")));
  EXPECT_THAT(TellRefusal(To(kBatch), refused, {"https://s", "", true}),
              HasSubstr("https://s does not accept the credentials: the plugin"));
}

TEST(TellRefusal, TellsAMissingObjectFromAMissingKind) {
  const auto no_object = Reply(404, Status(404, "NotFound", "not found", R"({"name":"hello"})"));
  EXPECT_TRUE(IsMissingObject(no_object));
  EXPECT_EQ(TellRefusal(To(kBatch), no_object, kPlace), "not found: not found");
  for (const auto& body :
       {std::string("404 page not found\n"), Status(404, "NotFound", "the server could not find it")}) {
    const auto no_kind = Reply(404, body);
    EXPECT_FALSE(IsMissingObject(no_kind));
    EXPECT_THAT(TellRefusal(To(kBatch), no_kind, kPlace),
                AllOf(HasSubstr("imagebatch is not installed in the cluster https://api.example:6443"),
                      HasSubstr("kind ImageBatch ")));
  }
  EXPECT_THAT(
      TellRefusal(To("/apis/imagebatch.dev/v1alpha1/namespaces/b/imagebatchrecords"), Reply(404, ""), kPlace),
      HasSubstr("kind ImageBatchRecord"));
}

TEST(TellRefusal, IsOneBoundedLineWhateverComes) {
  const std::string told =
      TellRefusal(To(kBatch), Reply(500, "\x1b[2J\n" + std::string(100000, 'x')), kPlace);
  EXPECT_THAT(told, AllOf(HasSubstr("refused this: 500"), Not(HasSubstr("\x1b")), Not(HasSubstr("\n"))));
  EXPECT_LE(told.size(), 1200U);
}

TEST(TellNoAnswer, SaysWhatToLookAt) {
  EXPECT_THAT(TellNoAnswer("Failed to connect to any resolved endpoint", kPlace),
              AllOf(HasSubstr("cannot talk to the API server https://api.example:6443 (/c: context "
                              "\"main\"): Failed to connect"),
                    HasSubstr("is it running")));
  EXPECT_THAT(TellNoAnswer("Error in SSL handshake: certificate verify failed", kPlace),
              AllOf(HasSubstr("TLS failed"), HasSubstr("tls-server-name")));
  EXPECT_EQ(TellNoAnswer("c: user \"u\": exec: the plugin \"p\" failed with exit code 1", kPlace),
            "c: user \"u\": exec: the plugin \"p\" failed with exit code 1");
}

}  // namespace
}  // namespace imagebatch::cli

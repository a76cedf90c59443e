#include "registry/inquiry.h"

#include <gmock/gmock.h>

#include "registry/manifest_reply.h"

namespace imagebatch::registry {
namespace {

using namespace std::chrono_literals;
using kube::Method;
using Kind = Answer::Kind;
using Send = Inquiry::Send;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Time kNow{std::chrono::hours(24 * 365 * 56)};
constexpr const char* kIndex = "application/vnd.oci.image.index.v1+json";
const std::string kSha = "sha256:" + std::string(64, 'a');

class InquiryTest : public ::testing::Test {
 protected:
  InquiryTest() {
    for (const char* entry : {"r.example", "http://plain.example:5000", "auth.example", "cdn.example"})
      EXPECT_TRUE(access_.hosts.Add(entry));
  }
  void Login(const std::string& key) {
    const auto added = access_.credentials.Add("{\"auths\":{\"" + key +
                                               "\":{\"username\":\"me\",\"password\":\"s3cret\"}}}");
    ASSERT_TRUE(added);
  }

  void Ask(const std::string& image, const Grant& grant = {}) {
    inquiry_.emplace(PlaceOf(image), std::make_shared<const Access>(access_), grant);
    move_ = inquiry_->Begin(kNow);
  }
  /// The request that was given; an answer instead is a failure.
  const Send& Sent() {
    static const Send none{};
    const Send* send = std::get_if<Send>(&move_);
    EXPECT_TRUE(send != nullptr) << Reason();
    return send == nullptr ? none : *send;
  }
  Answer Answered() {
    const Answer* answer = std::get_if<Answer>(&move_);
    EXPECT_TRUE(answer != nullptr) << "asks for " << std::get<Send>(move_).url.path;
    return answer == nullptr ? Answer() : *answer;
  }
  std::string Reason() { return std::holds_alternative<Answer>(move_) ? std::get<Answer>(move_).reason : ""; }
  void Reply(int status, std::map<std::string, std::string> headers = {}, const std::string& body = "") {
    kube::Response response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = body;
    move_ = inquiry_->Take(response, kNow);
  }
  void Challenge(const std::string& value) { Reply(401, {{kAuthenticate, value}}); }

  Access access_;
  std::optional<Inquiry> inquiry_;
  Inquiry::Move move_;
};

TEST_F(InquiryTest, AsksByHead) {
  Ask("r.example/a/b:v1");
  EXPECT_EQ(Sent().url.Server(), "https://r.example");
  EXPECT_EQ(Sent().request.method, Method::Head);
  EXPECT_EQ(Sent().request.path, "/v2/a/b/manifests/v1");
  EXPECT_EQ(Sent().request.authorization, "");
  for (const char* type :
       {"vnd.oci.image.index.v1+json", "vnd.oci.image.manifest.v1+json",
        "vnd.docker.distribution.manifest.list.v2+json", "vnd.docker.distribution.manifest.v2+json"})
    EXPECT_THAT(Sent().request.accept, HasSubstr(type));
  Reply(200, {{kContentType, std::string(kIndex) + "; charset=utf-8"}, {kDigest, kSha}});
  EXPECT_EQ(Answered().kind, Kind::There);
  EXPECT_EQ(Answered().digest, kSha);
}

TEST_F(InquiryTest, WhatAnAnswerMeans) {
  struct Case {
    int status;
    Kind kind;
  };
  for (const auto& [status, kind] :
       {Case{404, Kind::NotThere}, Case{403, Kind::Denied}, Case{429, Kind::Throttled},
        Case{500, Kind::Unreachable}, Case{502, Kind::Unreachable}, Case{503, Kind::Unreachable},
        Case{400, Kind::Unreachable}, Case{204, Kind::Unreachable}, Case{304, Kind::Unreachable},
        Case{418, Kind::Unreachable}}) {
    Ask("r.example/a:v1");
    Reply(status);
    EXPECT_EQ(Answered().kind, kind) << status;
    EXPECT_EQ(Reason().find("r.example") == std::string::npos, kind == Kind::NotThere) << status;
  }
}

TEST_F(InquiryTest, WaitsAsItIsTold) {
  struct Case {
    int status;
    const char* retry_after;
    std::chrono::seconds wait;
  };
  for (const auto& [status, retry_after, wait] :
       {Case{429, "7", 7s}, Case{429, "", 30s}, Case{429, "nonsense", 30s}, Case{429, "0", 1s},
        Case{429, "999999", 600s}, Case{503, "7", 7s}, Case{429, "Mon, 01 Jan 1990 00:00:00 GMT", 1s}}) {
    Ask("r.example/a:v1");
    Reply(status, {{kRetryAfter, retry_after}});
    EXPECT_EQ(Answered().kind, Kind::Throttled) << retry_after;
    EXPECT_EQ(Answered().retry_after, wait) << retry_after;
  }
}

TEST_F(InquiryTest, FallsBackToGet) {
  for (const int status : {405, 406, 501}) {
    Ask("r.example/a:v1");
    Reply(status);
    EXPECT_EQ(Sent().request.method, Method::Get);
    Reply(200, {{kContentType, kIndex}}, "{}");
    EXPECT_EQ(Answered().digest, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    Ask("r.example/a:v1");
    Reply(status);
    Reply(status);
    EXPECT_EQ(Answered().kind, Kind::Unreachable);
  }
}

TEST_F(InquiryTest, ADigestIsComputedWhereNoneIsTold) {
  for (const std::string& told : {std::string(), std::string("sha256:xyz"), "md5:" + std::string(32, 'a')}) {
    Ask("r.example/a:v1");
    Reply(200, {{kContentType, kIndex}, {kDigest, told}});
    ASSERT_EQ(Sent().request.method, Method::Get) << told;
    Reply(200, {{kContentType, kIndex}, {kDigest, told}}, "{}");
    EXPECT_EQ(Answered().kind, Kind::There);
    EXPECT_THAT(Answered().digest, HasSubstr("sha256:44136fa3"));
  }
}

TEST_F(InquiryTest, ADigestThatDoesNotFitIsNotBelieved) {
  Ask("r.example/a:v1");
  Reply(405);
  Reply(200, {{kContentType, kIndex}, {kDigest, kSha}}, "{}");
  EXPECT_EQ(Answered().kind, Kind::Unreachable);
}

TEST_F(InquiryTest, OtherContentTypesAreRefused) {
  for (const char* type : {"", "text/html", "application/json", "application/vnd.oci.image.index.v1+jsonx"}) {
    Ask("r.example/a:v1");
    Reply(200, {{kContentType, type}, {kDigest, kSha}});
    EXPECT_EQ(Answered().kind, Kind::Unreachable) << type;
    EXPECT_THAT(Reason(), HasSubstr("content type"));
  }
}

TEST_F(InquiryTest, ATokenIsFetchedAndUsed) {
  Login("r.example");
  Ask("r.example/a/b:v1");
  Challenge(R"(Bearer realm="https://r.example/token?x=y",service="r e",scope="repository:other:push")");
  EXPECT_EQ(Sent().url.Server(), "https://r.example");
  EXPECT_EQ(Sent().request.method, Method::Get);
  EXPECT_EQ(Sent().request.path, "/token?x=y&service=r%20e&scope=repository%3Aa%2Fb%3Apull");
  EXPECT_EQ(Sent().request.authorization, "Basic bWU6czNjcmV0");
  Reply(200, {}, R"({"token":"t0k","expires_in":300})");
  EXPECT_EQ(Sent().request.method, Method::Head);
  EXPECT_EQ(Sent().request.authorization, "Bearer t0k");
  Reply(404);
  EXPECT_EQ(Answered().kind, Kind::NotThere);
  EXPECT_EQ(inquiry_->grant().authorization, "Bearer t0k");
  EXPECT_EQ(inquiry_->grant().until, kNow + 285s);

  Ask("r.example/a/b:v2", inquiry_->grant());
  EXPECT_EQ(Sent().request.authorization, "Bearer t0k");
  Ask("r.example/a/b:v2", {"Bearer old", kNow});
  EXPECT_EQ(Sent().request.authorization, "");
}

TEST_F(InquiryTest, ATokenThatHasExpiredIsFetchedAgain) {
  Ask("r.example/a:v1", {"Bearer old", kNow + 10s});
  Challenge(R"(Bearer realm="https://r.example/token")");
  Reply(200, {}, R"({"token":"new"})");
  EXPECT_EQ(Sent().request.authorization, "Bearer new");
  Challenge(R"(Bearer realm="https://r.example/token")");
  EXPECT_EQ(Answered().kind, Kind::Denied);
  EXPECT_EQ(inquiry_->grant().authorization, "");
}

TEST_F(InquiryTest, BasicIsForThoseWithALogin) {
  Ask("r.example/a:v1");
  Challenge(R"(Basic realm="x")");
  EXPECT_EQ(Answered().kind, Kind::Denied);
  EXPECT_THAT(Reason(), HasSubstr("no login"));
  Login("r.example");
  Ask("r.example/a:v1");
  Challenge(R"(Basic realm="x")");
  EXPECT_EQ(Sent().request.authorization, "Basic bWU6czNjcmV0");
  Challenge(R"(Basic realm="x")");
  EXPECT_EQ(Answered().kind, Kind::Denied);
  EXPECT_THAT(Reason(), HasSubstr("not accepted"));
  EXPECT_THAT(Reason(), Not(HasSubstr("s3cret")));
}

TEST_F(InquiryTest, WhatATokenServerAnswersMeansTheSame) {
  struct Case {
    int status;
    const char* body;
    Kind kind;
  };
  for (const auto& [status, body, kind] :
       {Case{401, "", Kind::Denied}, Case{403, "", Kind::Denied}, Case{429, "", Kind::Throttled},
        Case{500, "", Kind::Unreachable}, Case{404, "", Kind::Unreachable}, Case{302, "", Kind::Unreachable},
        Case{200, "<html>SECRET", Kind::Unreachable},
        Case{200, "{\"token\":\"a\\nb\"}", Kind::Unreachable}}) {
    Ask("r.example/a:v1");
    Challenge(R"(Bearer realm="https://auth.example/token")");
    Reply(status, {}, body);
    EXPECT_EQ(Answered().kind, kind) << status;
    EXPECT_THAT(Reason(), Not(HasSubstr("SECRET")));
  }
}

TEST_F(InquiryTest, LoginsGoToNoHostThatIsNotNamed) {
  Login("r.example");
  Login("other.example");  // a login for a host does not make it the token server of another
  for (const char* realm :
       {"https://evil.example/token", "https://other.example/token", "http://r.example/token",
        "https://r.example:444/token", "https://169.254.169.254/latest", "http://169.254.169.254/",
        "https://0xa9fea9fe/", "https://[fe80::1]/", "https://metadata.google.internal/",
        "file:///etc/passwd", "https://me:you@r.example/"}) {
    Ask("r.example/a:v1");
    Challenge("Bearer realm=\"" + std::string(realm) + "\"");
    EXPECT_EQ(Answered().kind, Kind::Denied) << realm;
  }
  Ask("r.example/a:v1");
  Challenge(R"(Bearer realm="https://auth.example/token")");
  EXPECT_EQ(Sent().request.authorization, "Basic bWU6czNjcmV0");
}

TEST_F(InquiryTest, RedirectsAreFollowedWithoutALogin) {
  Login("r.example");
  const Grant grant{"Bearer t0k", kNow + 100s};
  Ask("r.example/a:v1", grant);
  Reply(307, {{kLocation, "/v2/moved/manifests/v1"}});
  EXPECT_EQ(Sent().request.path, "/v2/moved/manifests/v1");
  EXPECT_EQ(Sent().request.authorization, "Bearer t0k");
  Reply(302, {{kLocation, "https://cdn.example/blob"}});
  EXPECT_EQ(Sent().url.Server(), "https://cdn.example");
  EXPECT_EQ(Sent().request.authorization, "");
  Challenge(R"(Basic realm="x")");
  EXPECT_EQ(Answered().kind, Kind::Denied);
}

TEST_F(InquiryTest, RedirectsLeadToNoHostThatIsNotNamed) {
  for (const char* to :
       {"https://evil.example/x", "http://r.example/x", "http://169.254.169.254/", "http://cdn.example/"}) {
    Ask("r.example/a:v1");
    Reply(307, {{kLocation, to}});
    EXPECT_EQ(Answered().kind, Kind::Denied) << to;
  }
  for (const char* to : {"", "x", "ftp://x/"}) {
    Ask("r.example/a:v1");
    Reply(307, {{kLocation, to}});
    EXPECT_EQ(Answered().kind, Kind::Unreachable) << to;
  }
  Ask("r.example/a:v1");
  for (int i = 0; i < 3; ++i) Reply(307, {{kLocation, "/again"}});
  Reply(307, {{kLocation, "/again"}});
  EXPECT_EQ(Answered().kind, Kind::Unreachable);
}

TEST_F(InquiryTest, OnlyWhatIsNamedIsAsked) {
  for (const char* image : {"evil.example/a:v1", "169.254.169.254/a:v1", "plain.example/a:v1", "debian:12",
                            "10.0.0.1:6443/a:v1", "[fe80::1]/a:v1", "r.example:99999/a:v1"}) {
    Ask(image);
    EXPECT_EQ(Answered().kind, Kind::Denied) << image;
  }
  Ask("evil.example/a:v1");
  EXPECT_THAT(Reason(), HasSubstr("registries"));
  Ask("plain.example:5000/a:v1");
  EXPECT_EQ(Sent().url.Server(), "http://plain.example:5000");
  Login("evil.example/team");
  Ask("evil.example/a:v1");
  EXPECT_EQ(Sent().url.Server(), "https://evil.example");
}

TEST_F(InquiryTest, DockerHubIsAskedUnderItsOtherNames) {
  Login("https://index.docker.io/v1/");
  Ask("debian:12");
  EXPECT_EQ(Sent().url.Server(), "https://registry-1.docker.io");
  Challenge(R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io")");
  EXPECT_EQ(Sent().url.Server(), "https://auth.docker.io");
  EXPECT_EQ(Sent().request.authorization, "Basic bWU6czNjcmV0");
}

TEST_F(InquiryTest, NoAnswerIsUnreachable) {
  Ask("r.example/a:v1");
  move_ = inquiry_->Take(Fail("timed out\x01"), kNow);
  EXPECT_EQ(Answered().kind, Kind::Unreachable);
  EXPECT_THAT(Reason(), HasSubstr("timed out?"));
}

// Whatever comes, in any order, it ends soon, and sends nothing to a host that is not named
TEST_F(InquiryTest, EndsWhateverItIsTold) {
  Login("r.example");
  const std::vector<int> statuses = {200, 307, 401, 403, 404, 405, 429, 500};
  const std::vector<std::string> locations = {"/x", "https://cdn.example/x", "https://evil.example/x"};
  const std::vector<std::string> challenges = {R"(Basic realm="x")",
                                               R"(Bearer realm="https://auth.example/t")",
                                               R"(Bearer realm="https://evil.example/t")"};
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    uint32_t random = seed * 2'654'435'761U;
    const auto pick = [&](size_t of) {
      random = random * 1'664'525U + 1'013'904'223U;
      return (random >> 16) % of;
    };
    Ask("r.example/a:v1");
    int requests = 0;
    while (const Send* send = std::get_if<Send>(&move_)) {
      ASSERT_LE(++requests, 8);
      ASSERT_NE(send->url.host, "evil.example");
      ASSERT_TRUE(send->url.host != "cdn.example" || send->request.authorization.empty());
      Reply(statuses[pick(statuses.size())],
            {{kLocation, locations[pick(3)]}, {kAuthenticate, challenges[pick(3)]}, {kContentType, kIndex}},
            R"({"token":"t"})");
    }
  }
}

}  // namespace
}  // namespace imagebatch::registry

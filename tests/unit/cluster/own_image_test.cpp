#include "loop/own_image.h"

#include <gtest/gtest.h>

#include <vector>

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr const char* kPod = R"({"spec": {"containers": [{"name": "proxy", "image": "p"},
                                                         {"name": "controller", "image": "mirror/imagebatch:1"}]}})";

/// Answers with one reply after another, and remembers the paths.
class Replies final : public kube::HttpTransport {
 public:
  explicit Replies(std::vector<Result<kube::Response>> replies) : replies_(std::move(replies)) {}

  Result<kube::Response> Send(const kube::Request& request, std::chrono::milliseconds) override {
    paths.push_back(request.path);
    return replies_.at(paths.size() - 1);
  }
  Result<void> Stream(const kube::Request&, std::chrono::milliseconds, const std::atomic<bool>&,
                      const std::function<bool(const kube::Response&)>&,
                      const std::function<bool(std::string_view)>&) override {
    return Fail("not used here");
  }
  void Shutdown() override {}

  std::vector<std::string> paths;

 private:
  std::vector<Result<kube::Response>> replies_;
};

TEST(OwnImage, IsThatOfTheControllersContainer) {
  EXPECT_EQ(ImageOfPod(kPod).value(), "mirror/imagebatch:1");
  EXPECT_EQ(ImageOfPod(R"({"spec": {"containers": [{"name": "x", "image": "one"}]}})").value(), "one");
}

TEST(OwnImage, IsNotGuessed) {
  for (const char* pod :
       {"", "[]", R"({"spec": {}})", R"({"spec": {"containers": 3}})", R"({"spec": {"containers": []}})",
        R"({"spec": {"containers": [3]}})", R"({"spec": {"containers": [{"name": "controller"}]}})",
        R"({"spec": {"containers": [{"name": "controller", "image": 7}]}})",
        R"({"spec": {"containers": [{"name": "a", "image": "a"}, {"name": "b", "image": "b"}]}})"}) {
    EXPECT_FALSE(ImageOfPod(pod)) << pod;
  }
}

TEST(OwnImage, IsAskedForUntilThereIsAnAnswer) {
  Replies transport({Fail("connection refused"),
                     kube::Response{403, R"({"kind": "Status", "message": "no"})", {}},
                     kube::Response{200, kPod, {}}});
  kube::RequestStats stats;
  kube::ApiClient client(transport, stats);
  std::vector<seconds> waits;
  std::vector<std::string> troubles;
  const std::string image = ReadOwnImage(
      client, "system", "controller-7", [&](seconds wait) { return waits.push_back(wait), true; },
      [&](const std::string& trouble) { troubles.push_back(trouble); });
  EXPECT_EQ(image, "mirror/imagebatch:1");
  EXPECT_EQ(transport.paths, std::vector<std::string>(3, "/api/v1/namespaces/system/pods/controller-7"));
  EXPECT_EQ(waits, (std::vector<seconds>{seconds(1), seconds(2)}));
  ASSERT_EQ(troubles.size(), 2u);
  EXPECT_NE(troubles[0].find("connection refused"), std::string::npos);
  EXPECT_NE(troubles[1].find("403"), std::string::npos);
}

TEST(OwnImage, IsNotWaitedForOnceTheControllerIsToStop) {
  Replies transport({Fail("connection refused")});
  kube::RequestStats stats;
  kube::ApiClient client(transport, stats);
  EXPECT_EQ(ReadOwnImage(
                client, "n", "p", [](seconds) { return false; }, [](const std::string&) {}),
            "");
}

}  // namespace
}  // namespace imagebatch::cluster

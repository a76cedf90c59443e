#include "cluster/store/status_writer.h"

#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kPath = "/apis/imagebatch.dev/v1alpha1/namespaces/builds/imagebatches/b";

class StatusWriterTest : public testing::Test {
 protected:
  StatusWriterTest() { writer_.OnObject(Object()); }

  /// The object as the API server has it.
  json Object() const {
    json object = {{"metadata", {{"name", "b"}, {"resourceVersion", std::to_string(version_)}}}};
    if (!stored_.is_null()) object["status"] = stored_;
    return object;
  }

  json Wanted() const {
    return {{"running", running_},
            {"startTime", "2020-01-01T00:00:00Z"},
            {"completionTime", nullptr},
            {"hungBuilds", hung_},
            {"conditions",
             {{{"type", "HungBuilds"}, {"status", hung_.empty() ? "False" : "True"}, {"reason", "R"}}}}};
  }

  void Step(int64_t finished = 0) { writer_.Step(Wanted(), finished, wire_.now); }

  /// Lets a write take effect, and answers it.
  void Accept(const Command& command) {
    EXPECT_EQ(command.request.path, std::string(kPath) + "/status");
    EXPECT_EQ(command.request.method, kube::Method::Patch);
    EXPECT_EQ(command.request.content_type, "application/merge-patch+json");
    EXPECT_EQ(Body(command)["metadata"]["resourceVersion"], std::to_string(version_));
    Store(Body(command)["status"]);
    wire_.Reply(command, 200, Object());
  }

  void Store(const json& status) {
    ++version_;
    stored_ = json::object();
    stored_.merge_patch(status);  // which drops the nulls
  }

  void Start() {
    Step();
    Accept(wire_.Only());
  }

  Wire wire_;
  StatusWriter writer_{kPath, wire_.channel};
  int version_ = 100;
  json stored_;
  int running_ = 1;
  json hung_ = json::array();
};

TEST_F(StatusWriterTest, TheFirstStatusIsWrittenAtOnceAndOnce) {
  Start();
  EXPECT_EQ(writer_.known()["running"], 1);
  EXPECT_EQ(Object()["status"].contains("completionTime"), false);
  wire_.Pass(seconds(60));
  Step();
  EXPECT_TRUE(wire_.Silent()) << "nothing has changed";
  EXPECT_EQ(writer_.Next(), std::nullopt);
}

TEST_F(StatusWriterTest, CountsAreWrittenTogetherAfter10Seconds) {
  Start();
  const SteadyTime written = wire_.now.steady;
  for (int i = 2; i < 6; ++i) {
    wire_.Pass(seconds(2));
    running_ = i;
    Step();
    EXPECT_TRUE(wire_.Silent());
    EXPECT_EQ(writer_.Next(), written + seconds(10));
  }
  wire_.Pass(seconds(2));
  Step();
  EXPECT_EQ(Body(wire_.Only())["status"]["running"], 5);
}

TEST_F(StatusWriterTest, CountsAreWrittenWhenTenBuildsHaveFinishedButOnceASecond) {
  Start();
  running_ = 2;
  wire_.Pass(milliseconds(500));
  Step(10);
  EXPECT_TRUE(wire_.Silent());
  EXPECT_EQ(writer_.Next(), wire_.now.steady + milliseconds(500));
  wire_.Pass(milliseconds(500));
  Step(9);
  EXPECT_TRUE(wire_.Silent());
  Step(10);
  Accept(wire_.Only());
}

TEST_F(StatusWriterTest, AHungBuildIsWrittenAtOnce) {
  Start();
  running_ = 2;
  Step();
  EXPECT_TRUE(wire_.Silent());
  hung_.push_back({{"name", "a"}});
  Step();
  const Command write = wire_.Only();
  EXPECT_EQ(Body(write)["status"]["running"], 2) << "the rest goes along";
  Accept(write);
}

TEST_F(StatusWriterTest, OneWriteAtATime) {
  Step();
  const Command write = wire_.Only();
  hung_.push_back({{"name", "a"}});
  Step();
  EXPECT_TRUE(wire_.Silent());
  Accept(write);
  Step();
  Accept(wire_.Only());
}

TEST_F(StatusWriterTest, AfterAConflictTheObjectIsReadAndTheWriteRepeatedSoon) {
  Step();
  const Command write = wire_.Only();
  ++version_;  // somebody has changed the spec
  wire_.Reply(write, 409, Refusal("the object has been modified"));
  const Command read = wire_.Only();
  EXPECT_EQ(read.request.path, kPath);
  EXPECT_EQ(read.request.method, kube::Method::Get);
  Step();
  EXPECT_TRUE(wire_.Silent());
  wire_.Reply(read, 200, Object());
  Step();
  ASSERT_TRUE(writer_.Next());
  EXPECT_LE(*writer_.Next(), wire_.now.steady + seconds(1)) << "somebody waits for it";
  wire_.Pass(seconds(1));
  Step();
  Accept(wire_.Only());
}

TEST_F(StatusWriterTest, AWriteThatTookEffectWithoutAReplyIsNotRepeated) {
  Step();
  const Command write = wire_.Only();
  Store(Body(write)["status"]);
  wire_.Lose(write);
  wire_.Reply(wire_.Only(), 200, Object());
  wire_.Pass(seconds(60));
  Step();
  EXPECT_TRUE(wire_.Silent());
}

TEST_F(StatusWriterTest, AWriteThatWasLostIsRepeatedEvenIfTheReadFails) {
  Step();
  wire_.Lose(wire_.Only());
  wire_.Lose(wire_.Only());
  wire_.Pass(seconds(1));
  Step();
  Accept(wire_.Only());
}

TEST_F(StatusWriterTest, AWatchThatLagsBehindDoesNotBringTheOldStatusBack) {
  const json before = Object();
  Start();
  writer_.OnObject(before);
  EXPECT_EQ(writer_.known()["running"], 1);
}

TEST_F(StatusWriterTest, AStatusThatSomebodyElseHasChangedIsMended) {
  Start();
  Store({{"running", 99}});
  writer_.OnObject(Object());
  Step();
  Accept(wire_.Only());
  EXPECT_EQ(stored_["running"], 1);
}

}  // namespace
}  // namespace imagebatch::cluster

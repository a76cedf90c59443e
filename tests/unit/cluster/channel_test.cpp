#include "cluster/store/channel.h"

#include <gtest/gtest.h>

#include <optional>

#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

class ChannelTest : public testing::Test {
 protected:
  Channel::Handler Count() {
    return [this](const Result<kube::Response>&, Now) { ++answers_; };
  }

  Wire wire_;
  int replies_ = 0, answers_ = 0;
  std::optional<Channel> channel_{std::in_place, wire_.requests, [this] { ++replies_; }};
};

TEST_F(ChannelTest, EachVerbIsTheRequestItStandsFor) {
  channel_->Get({Purpose::ReadJob, "j"}, "/get", {});
  channel_->Create({Purpose::CreateJob, "j"}, "/create", "{}", {});
  channel_->MergePatch({Purpose::WriteStatus, ""}, "/patch", "{}", {});
  channel_->Delete({Purpose::DeleteJob, "j"}, "/delete", {{"propagationPolicy", "Foreground"}}, {});
  const std::vector<Command> sent = wire_.requests.Take();
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[0].request.method, kube::Method::Get);
  EXPECT_EQ(sent[1].request.method, kube::Method::Post);
  EXPECT_EQ(sent[2].request.method, kube::Method::Patch);
  EXPECT_EQ(sent[2].request.content_type, "application/merge-patch+json");
  EXPECT_EQ(sent[3].request.method, kube::Method::Delete);
  EXPECT_EQ(Body(sent[3]),
            json({{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Foreground"}}));
}

TEST_F(ChannelTest, IsAnsweredAsLongAsItLives) {
  channel_->Get({Purpose::ReadJob, "j"}, "/a", Count());
  channel_->Get({Purpose::ReadJob, "j"}, "/b", Count());
  const std::vector<Command> sent = wire_.requests.Take();
  EXPECT_TRUE(channel_->Waits());
  wire_.Reply(sent[0], 200, json::object());
  EXPECT_EQ(replies_, 1);
  EXPECT_EQ(answers_, 1);
  channel_.reset();
  wire_.Reply(sent[1], 200, json::object());
  EXPECT_EQ(replies_, 1);
  EXPECT_EQ(answers_, 1);
}

TEST_F(ChannelTest, OneWithinAnotherSharesItsTurnsAndItsTroubles) {
  Channel within(*channel_);
  channel_->Get({Purpose::ReadJob, "j"}, "/a", {});
  within.Get({Purpose::ReadRows, "r"}, "/b", Count());
  const std::vector<Command> sent = wire_.requests.Take();
  EXPECT_EQ(sent[0].request.sender, sent[1].request.sender);
  EXPECT_TRUE(channel_->Waits());
  wire_.Reply(sent[1], 500, json::object());
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(replies_, 1);
  EXPECT_EQ(channel_->FailingSince(), within.FailingSince());
  EXPECT_EQ(channel_->FailingSince().size(), 1U);
}

TEST_F(ChannelTest, WhatWasAskedWithinAnotherThatLivesOnIsStillItsTrouble) {
  std::optional<Channel> within(std::in_place, *channel_);
  within->Get({Purpose::ReadRows, "r"}, "/b", Count());
  const Command read = wire_.Only();
  within.reset();
  EXPECT_TRUE(channel_->Waits());
  wire_.Reply(read, 500, json::object());
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(channel_->FailingSince().count(Purpose::ReadRows), 1U);
}

}  // namespace
}  // namespace imagebatch::cluster

#include "hang/command_news.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagebatch::hang {
namespace {

const TimePoint kNow{std::chrono::seconds(1000)};

CommandNews::Answer Start(CommandNews& news, const std::string& command,
                          const std::vector<uint64_t>& files = {}, const std::string& directory = "/src") {
  return news.Add({command, directory, files}, false, kNow);
}

TEST(CommandNews, ThePollOfACommandIsNewOnce) {
  CommandNews news;
  EXPECT_TRUE(Start(news, "python3 manage.py check", {1, 2}).is_new);
  EXPECT_TRUE(Start(news, "sleep 1", {3}).is_new);
  for (int turn = 0; turn < 100; ++turn) {
    EXPECT_FALSE(Start(news, "python3 manage.py check", {2, 1}).is_new);
    const auto sleep = Start(news, "sleep " + std::to_string(turn), {3});
    EXPECT_FALSE(sleep.is_new) << "a number is no name";
    EXPECT_EQ(sleep.known_exactly, turn == 1);
  }
}

TEST(CommandNews, WhatIsSeenAgainWasNoNews) {
  CommandNews news;
  const auto at = [](int second) { return kNow + std::chrono::seconds(second); };
  EXPECT_EQ(news.Newest(), std::nullopt);
  news.Add({"make all", "/src", {}}, false, at(0));
  news.Add({"curl http://db/up", "/src", {}}, false, at(1));
  news.Add({"wc -l", "/src", {}}, false, at(5));
  EXPECT_EQ(news.Newest(), at(5));
  news.Add({"wc -l", "/src", {}}, true, at(6));
  EXPECT_EQ(news.Newest(), at(5)) << "the same process";
  news.Add({"wc -l", "/src", {}}, false, at(7));
  EXPECT_EQ(news.Newest(), at(1));
  news.Add({"curl http://db/up", "/src", {}}, false, at(8));
  EXPECT_EQ(news.Newest(), at(0));
}

TEST(CommandNews, AFewNewCommandsInAPollMayBeItsRarestPrograms) {
  CommandNews news;
  const auto sleep = [&news](int times) {
    for (int turn = 0; turn < times; ++turn) Start(news, "sleep 1");
  };
  Start(news, "sh build.sh");
  sleep(5);
  EXPECT_TRUE(news.AllKnown());
  EXPECT_EQ(news.Newest(), kNow);
  int second = 0;
  for (const char* name : {"curl http://db/up", "jq .status", "mktemp"}) {
    news.Add({name, "/src", {}}, false, kNow + std::chrono::seconds(++second));
    EXPECT_EQ(news.Newest(), kNow) << name;
    EXPECT_FALSE(news.AllKnown());
    EXPECT_TRUE(news.AnyKnown());
    sleep(4);
  }
  news.Add({"make all", "/src", {}}, false, kNow + std::chrono::seconds(4));
  EXPECT_EQ(news.Newest(), kNow + std::chrono::seconds(4)) << "a list, with a pause behind each";
}

TEST(CommandNews, AFileThatNoneOpenedBeforeIsNew) {
  CommandNews news;
  Start(news, "lint", {1});
  EXPECT_TRUE(Start(news, "lint", {1, 2}).is_new);
  EXPECT_FALSE(Start(news, "lint", {2}).is_new);
  EXPECT_TRUE(Start(news, "lint mod17.py", {17}).is_new);
  EXPECT_TRUE(Start(news, "lint mod18.py", {18}).is_new);
}

TEST(CommandNews, ANameIsNewAndWhatIsDrawnAtRandomIsNot) {
  CommandNews news;
  for (const char* name : {"numpy", "flask", "django", "lxml", "pyyaml", "requests"})
    EXPECT_TRUE(Start(news, "pytest -q -k " + std::string(name)).is_new) << name;
  EXPECT_TRUE(Start(news, "make", {}, "/src/lib").is_new);
  EXPECT_TRUE(Start(news, "make", {}, "/src/tools").is_new);
  EXPECT_TRUE(Start(news, "curl http://db/up?nonce=qzkfwxvbtn").is_new);
  for (const char* nonce : {"bvxzqwjkpt", "xkjqwvzmpl", "hjqxvzkwpd", "vqkzjxwhpl"})
    EXPECT_FALSE(Start(news, "curl http://db/up?nonce=" + std::string(nonce)).is_new) << nonce;
}

}  // namespace
}  // namespace imagebatch::hang

#include "log/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagebatch::log {
namespace {

using nlohmann::json;

/// What `write` brings to standard output, from `level` on.
template <class Write>
std::string Logged(const char* level, const Write& write) {
  testing::internal::CaptureStdout();
  EXPECT_TRUE(Begin(level));
  write();
  return testing::internal::GetCapturedStdout();
}

TEST(LogTest, ALineIsOneObjectWithTheLevelThatTheRunbooksLookFor) {
  const std::string line = Logged("info", [] {
    Warn("a \"quoted\"\nline", {"builds", "b", "b-image-1", "JobsNotCreated"});
  });
  EXPECT_NE(line.find(R"("level":"warn")"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const json object = json::parse(line);
  EXPECT_EQ(object["msg"], "a \"quoted\"\nline");
  EXPECT_EQ(object["namespace"], "builds");
  EXPECT_EQ(object["batch"], "b");
  EXPECT_EQ(object["job"], "b-image-1");
  EXPECT_EQ(object["reason"], "JobsNotCreated");
}

TEST(LogTest, EachLevelHasItsNameAndHidesThoseBelow) {
  const auto all = [] {
    Debug("1");
    Info("2");
    Warn("3");
    Error("4");
  };
  const std::string debug = Logged("debug", all), error = Logged("error", all);
  for (const char* level : {"debug", "info", "warn", "error"}) {
    const std::string field = std::string(R"("level":")") + level + "\"";
    EXPECT_NE(debug.find(field), std::string::npos) << debug;
    EXPECT_EQ(error.find(field) != std::string::npos, std::string(level) == "error") << error;
  }
  EXPECT_FALSE(Begin("loud"));
}

}  // namespace
}  // namespace imagebatch::log

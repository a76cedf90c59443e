#include "metrics/process.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace imagebatch::metrics {
namespace {

namespace fs = std::filesystem;

std::map<std::string, double> Values(const fs::path& proc) {
  std::map<std::string, double> values;
  for (const auto& family : ProcessFamilies(proc)) {
    const auto& metric = family.metric.at(0);
    values[family.name] =
        family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return values;
}

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "proc-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    proc_ = pattern;
    fs::create_directories(proc_ / "self/fd");
  }
  void TearDown() override { fs::remove_all(proc_); }
  void Write(const char* path, const std::string& text) { std::ofstream(proc_ / path) << text; }

  fs::path proc_;
};

TEST_F(ProcessTest, ReadsWhatTheKernelWrites) {
  Write(
      "self/stat",
      "7 (a) b (c) S 1 7 7 0 -1 4194560 5 6 7 8 150 50 0 0 20 0 9 0 500 1000000 42 18446744073709551615 1\n");
  Write("stat", "cpu  1 2 3\nctxt 5\nbtime 1700000000\n");
  Write("self/limits", "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024  4096  files\n");
  for (const char* fd : {"0", "1", "2"}) Write((std::string("self/fd/") + fd).c_str(), "");
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const std::map<std::string, double> expected = {
      {"process_cpu_seconds_total", 200 / ticks},
      {"process_resident_memory_bytes", 42 * page},
      {"process_virtual_memory_bytes", 1000000},
      {"process_threads", 9},
      {"process_open_fds", 3},
      {"process_max_fds", 1024},
      {"process_start_time_seconds", 1700000000 + 500 / ticks},
  };
  EXPECT_EQ(Values(proc_), expected);
}

TEST_F(ProcessTest, WhatCannotBeReadIsLeftOut) {
  Write("self/stat", "7 (cut) S 1 7");
  Write("self/limits", "Max open files            unlimited  unlimited  files\n");
  EXPECT_EQ(Values(proc_), (std::map<std::string, double>{{"process_open_fds", 0}}));
}

TEST(ThisProcessTest, HasPlausibleValues) {
  auto values = Values("/proc");
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_EQ(values.size(), 7u);
  EXPECT_GT(values["process_resident_memory_bytes"], 1e5);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_NEAR(values["process_start_time_seconds"], now, 600);
}

}  // namespace
}  // namespace imagebatch::metrics

#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "report/builds.h"
#include "report/read.h"

namespace imagebatch::report {

/// A result line as the controller writes it (cluster/store/result_line.h).
inline nlohmann::json Line(const std::string& name, const std::string& status, int attempt = 1) {
  const bool built = status == "built";
  return {{"time", "2026-03-13T00:01:31Z"},
          {"stage", "image"},
          {"name", name},
          {"tags", built ? nlohmann::json::array({"r.example/eval:" + name}) : nlohmann::json::array()},
          {"status", status},
          {"error", built ? nlohmann::json() : nlohmann::json("Error: exit code 3")},
          {"reason", built ? "Succeeded" : "Error"},
          {"class", nullptr},
          {"attempt_count", attempt},
          {"started_at", "2026-03-13T00:00:00Z"},
          {"finished_at", "2026-03-13T00:01:30Z"},
          {"duration_seconds", 90.0},
          {"build", "abcdefghij"},
          {"job", "b-abcdefghij-1"},
          {"pod", "p"},
          {"node", "n"}};
}

inline std::string Text(const nlohmann::json& line) {
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

inline Reading Read(const std::string& text) {
  auto reading = ReadResults(text);
  if (!reading) throw std::runtime_error(reading.error().message);
  return std::move(*reading);
}

inline Report ReportOf(const std::string& text) {
  Reading reading = Read(text);
  EXPECT_TRUE(reading.problems.empty()) << reading.problems.front();
  return MakeReport(std::move(reading.material));
}

}  // namespace imagebatch::report

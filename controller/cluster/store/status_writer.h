#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/time.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// Writes the status of one batch, seldom: at once what people and alerts wait for (a condition or the list
/// of hung builds changed), the rest with the next such write or when 10 builds have finished or 10 s have
/// passed.
class StatusWriter {
 public:
  StatusWriter(std::string path, Channel& channel);

  /// The object as the API server has it now: a write builds on this version.
  void OnObject(const nlohmann::json& object);

  /// What the status is, as last written or read.
  const nlohmann::json& known() const { return known_; }

  /// Brings the status to `wanted` if it is time to.
  void Step(const nlohmann::json& wanted, int64_t finished_builds, Now now);

  /// When Step has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

 private:
  void Write(const nlohmann::json& wanted);

  std::string path_;
  Channel& channel_;
  std::string version_;
  Version number_ = 0;
  nlohmann::json known_;
  bool writing_ = false, reading_ = false;
  std::optional<SteadyTime> due_;  // when what differs is to be written
  Backoff backoff_;
  SteadyTime written_{};
  int64_t finished_at_write_ = 0;
};

}  // namespace imagebatch::cluster

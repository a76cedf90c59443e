#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::batch {

struct ConfigMapKey {
  std::string name, key;
};

/// spec.images.select: the rows with these names, either given here or in a ConfigMap.
struct Select {
  std::vector<std::string> names;
  std::optional<ConfigMapKey> config_map;
};

struct Images {
  std::vector<nlohmann::json> rows;  // inline rows as written; checked by ReadInlineRows
  std::vector<ConfigMapKey> config_maps;
  std::string name_from = "$(name)";
  std::optional<Select> select;
  size_t limit = 0;  // so many of the selected rows at random; 0: all, in the order of the input
  uint32_t seed = 42;
};

/// All ConfigMaps that the rows come from: those of the rows in their order, then that of the selection.
std::vector<ConfigMapKey> Sources(const Images& images);

enum class HangAction { Flag, Retry, Fail };

/// spec.hang.expect[]: a line of the output that is to come.
struct ExpectedLine {
  std::string pattern;  // a valid one (pattern/pattern.h)
  int within_seconds = 0;
  int first_seconds = 0;  // to the first, from the container's start
};

/// spec.hang: thresholds in seconds; 0 switches a check off.
struct HangPolicy {
  int deadlock_seconds = 30;
  int idle_seconds = 300;
  int silent_seconds = 1800;
  int deadline_seconds = 0;  // counted from the container's start
  int slow_factor = 3;       // times the median of the finished builds of its stage; 0 switches it off
  std::vector<ExpectedLine> expect;
  HangAction action = HangAction::Flag;
};

/// spec.stall: thresholds in seconds; 0 switches a check off.
struct StallPolicy {
  int after_seconds = 600;  // for a Pod that does not start, or does not end
  int init_seconds = 1800;  // for one init container
  bool retry = false;       // action: Retry; what never began is ended, to be tried again
};

/// spec.stages[].hang: what a stage has otherwise than spec.hang.
struct HangOverrides {
  std::optional<int> deadlock_seconds, idle_seconds, silent_seconds, deadline_seconds, slow_factor;
  std::optional<std::vector<ExpectedLine>> expect;
  std::optional<HangAction> action;
};

/// spec.stages[].stall: what a stage has otherwise than spec.stall.
struct StallOverrides {
  std::optional<int> after_seconds, init_seconds;
  std::optional<bool> retry;
};

/// A build as people name it: stage/name.
struct BuildName {
  std::string stage, name;

  bool operator==(const BuildName&) const = default;
};

/// spec.rerun: builds that failed are to run again, once for each round.
struct Rerun {
  int round = 0;                  // 0: none yet
  std::vector<BuildName> builds;  // empty: all that failed
};

enum class Shutdown : uint8_t { None, Stop, Terminate };

struct Stage {
  std::string name;
  std::vector<std::string> needs;  // names of earlier stages
  std::string key = "$(name)";
  std::string image;
  nlohmann::json pod_template;  // a PodTemplateSpec with $(...) in its strings
  HangOverrides hang{};
  StallOverrides stall{};
  int parallelism = 0;  // 0: none of its own
};

/// An ImageBatch with its defaults filled in and valid in itself; its rows are not read yet.
struct Batch {
  std::string ns, name, uid;
  int64_t generation = 0;
  int parallelism = 50;
  bool suspend = false;
  bool skip_existing = false;  // existing: Skip
  Images images;
  std::map<std::string, std::string> variables;
  std::vector<Stage> stages;
  int backoff_limit = 2;
  int infrastructure_retry_limit = 5;
  HangPolicy hang;
  StallPolicy stall;
  Rerun rerun;
  Shutdown shutdown = Shutdown::None;
  int first_builds = 0;                         // 0: none come first
  std::optional<int> max_failed_builds;         // nothing: any number may fail
  int64_t active_deadline_seconds = 0;          // 0: none
  int64_t ttl_seconds_after_finished = 604800;  // 0: deleted as soon as it is finished; -1: never
};

/// What holds for the builds of a stage: `policy`, with what `overrides` gives in its place.
HangPolicy Override(HangPolicy policy, const HangOverrides& overrides);
StallPolicy Override(StallPolicy policy, const StallOverrides& overrides);

/// One image of one stage. Rows of a stage with the same key share one.
struct Build {
  uint32_t stage = 0;      // index into Batch::stages
  uint32_t row = 0;        // index of the first row that needs it; RenderTemplate works from this one
  std::string_view key;    // rendered
  std::string_view image;  // rendered; a valid image reference
};

/// What is wrong, in the order of the input.
struct Problem {
  std::string where;    // "spec.stages[1].image" or "ConfigMap verified/rows.jsonl line 4"
  std::string message;  // with the way out
};

}  // namespace imagebatch::batch

#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/objects/verdict.h"

namespace imagebatch::cluster {

/// A verdict with what its runner saw.
struct Evidence {
  Verdict verdict;
  std::string json;  // the runner's line, laid out for reading and without its marker
};

/// What one line of a build's log says of the build.
struct Saying {
  std::optional<Evidence> hung;  // nothing: it goes on
};

/// Reads a line of a build's log; nothing where the line is none of the runner's. The log is untrusted: only
/// JSON objects of the runner's form that carry the attempt's marker count, and everything taken from them is
/// bounded. An empty marker is that of no attempt.
std::optional<Saying> ReadSaying(std::string_view line, std::string_view marker);

/// The evidence in the account that the runner gave of an attempt it ended, for where the log has none (any
/// more); nothing where the account tells no hang. `account` is the runner's own: its marker has been
/// checked.
std::optional<Evidence> EvidenceOfAccount(const nlohmann::json& account);

}  // namespace imagebatch::cluster

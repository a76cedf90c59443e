#pragma once
#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace imagebatch::local {

/// What is known of a batch once it has begun here, as its status has it in a cluster.
struct StartRecord {
  std::string input_digest;  // cluster::InputDigest
  Time start{};              // of the first run
};

/// Reads builds/<batch>/start.json, or writes it for a batch that begins. An error where the input is no
/// longer what the batch was begun with, or results are there of which nobody knows with what they were.
Result<StartRecord> Begin(const std::filesystem::path& path, const std::string& input_digest,
                          bool has_results, Time now);

/// Replaces a file; on return it is on the disk, and never was there in part. Makes its directory.
Result<void> ReplaceFile(const std::filesystem::path& path, const std::string& text);

}  // namespace imagebatch::local

#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace imagebatch::local {

/// Where the things of one batch are: builds/<batch>/ in the directory that it is run in.
struct Layout {
  std::filesystem::path root;

  explicit Layout(const std::string& batch) : root(std::filesystem::path("builds") / batch) {}

  std::filesystem::path Lock() const { return root / "lock"; }
  std::filesystem::path Start() const { return root / "start.json"; }
  std::filesystem::path Results() const { return root / "results.jsonl"; }
  /// Of one attempt, relative to `root`. Names are untrusted text of up to 253 bytes: what no file should be
  /// called is percent-encoded.
  static std::filesystem::path Log(std::string_view stage, std::string_view name, int attempt);
  static std::filesystem::path Evidence(std::string_view stage, std::string_view name, int attempt);
};

/// A directory for what the runners renew every two seconds, in memory where that can be: a disk would flush
/// each, and a full one would hide a hang. Named after `root`, so that the next run finds what a killed one
/// left. Gone with this object.
class Scratch {
 public:
  explicit Scratch(const std::filesystem::path& root);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string State(const std::string& job) const { return path_ / (job + ".state"); }
  std::string Result(const std::string& job) const { return path_ / (job + ".result"); }
  void Forget(const std::string& job) const;

 private:
  std::filesystem::path path_;
};

}  // namespace imagebatch::local

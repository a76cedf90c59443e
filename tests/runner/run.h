#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace imagebatch::runner {

/// True once `condition` holds; false where it does not within two minutes, on however busy a machine.
bool Await(const std::function<bool()>& condition);

/// The whole file; empty where there is none.
std::string Content(const std::filesystem::path& path);

/// The JSON objects among the lines of `text` that are the runner's own.
std::vector<nlohmann::json> OwnLines(const std::string& text);

/// True while the process is there and is no zombie.
bool Alive(pid_t pid);

/// The children of a process.
std::vector<pid_t> Children(pid_t pid);

/// A directory of the test's own, removed at its end.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& Path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The real runner over a real command. Both streams go to files. What still runs at the end is killed.
class Supervised {
 public:
  /// `options` come before --state and --result, which are ours; `environment` adds NAME=value. The command's
  /// working directory is Directory().
  explicit Supervised(const std::vector<std::string>& options, const std::vector<std::string>& command,
                      const std::vector<std::string>& environment = {});
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;
  ~Supervised();

  /// The runner's exit code; -1 where it did not end within two minutes.
  int Wait();
  bool Running();
  void Signal(int signal) const;
  /// The process that was started; as it is not process 1, it guards the runner proper (runner/guard.h).
  pid_t Pid() const { return pid_; }
  /// The runner proper; -1 where it is not there (yet).
  pid_t RunnerPid() const;

  std::string Output() const { return Content(scratch_ / "stdout"); }
  std::string Errors() const { return Content(scratch_ / "stderr"); }
  nlohmann::json State() const { return nlohmann::json::parse(Content(scratch_ / "state"), nullptr, false); }
  nlohmann::json Result() const {
    return nlohmann::json::parse(Content(scratch_ / "result"), nullptr, false);
  }
  bool Hung() const;
  const Scratch& Directory() const { return scratch_; }

 private:
  Scratch scratch_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

/// `sh -c SCRIPT`.
std::vector<std::string> Shell(const std::string& script);

}  // namespace imagebatch::runner

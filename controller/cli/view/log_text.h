#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// The log of a build as it is shown.
namespace imagebatch::cli {

/// The name of the container that runs the build of a Pod.
std::string ContainerOf(const nlohmann::json& pod);
/// The secret that the runner puts into its lines; empty where there is none.
std::string MarkerOf(const nlohmann::json& pod);
/// Whether the build's container runs or has run, so that there is a log.
bool HasStarted(const nlohmann::json& pod);

/// Makes a log that comes in pieces fit to be shown, line by line. The marker is hidden. For a terminal,
/// control characters are too, so that a build moves no cursor and sets no title; tabs stay. A file or a
/// program gets the bytes as they are.
class LogFilter {
 public:
  LogFilter(std::string marker, bool terminal) : marker_(std::move(marker)), terminal_(terminal) {}

  /// The whole lines that are ready. A line longer than 64 KiB comes in parts.
  std::string Feed(std::string_view piece);
  /// What is left at the end.
  std::string Finish();

 private:
  std::string Line(std::string_view line) const;

  const std::string marker_;
  const bool terminal_;
  std::string rest_;
};

/// A whole log for a terminal.
std::string LogText(std::string_view log, const std::string& marker);

}  // namespace imagebatch::cli

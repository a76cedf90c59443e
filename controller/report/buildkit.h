#pragma once
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace imagebatch::report {

/// Where the time of a build with BuildKit went, in seconds; nothing where its log says nothing of it.
struct BuildKitTimes {
  std::optional<double> context;       // sending the build context
  std::optional<double> cache_import;  // reading the manifests of caches
  std::optional<double> cache_export;
  std::optional<double> image_export;  // with its parts, which are the next two
  std::optional<double> push_layers;
  std::optional<double> export_manifest;
  std::optional<int> cache_import_misses;  // caches that could not be read
  std::optional<int> cached_steps;
};

/// Reads BuildKit's plain progress line by line; memory is bounded whatever the build prints. Lines that are
/// not BuildKit's are passed over.
class BuildKitLog {
 public:
  static constexpr size_t kSteps = 4096;  // further ones are not looked at

  /// One line without its newline.
  void Add(std::string_view line);
  /// All fields unset where there was no step. A step that did not end counts nothing: its time is unknown.
  BuildKitTimes Times() const;

 private:
  enum class Kind { Other, Context, CacheImport, CacheExport, ImageExport };
  struct Step {
    Kind kind = Kind::Other;
    bool named = false, cached = false, failed = false;
    std::optional<double> seconds;
    std::optional<double> push_layers, export_manifest;
    double manifests = 0;  // the sum of those that are done
  };
  static Kind KindOf(std::string_view name);
  static void AddPart(Step& step, std::string_view text);

  std::map<unsigned, Step> steps_;
};

BuildKitTimes ReadBuildKitLog(std::string_view log);

}  // namespace imagebatch::report

#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hang/verdict.h"

namespace imagebatch::hang {

/// One line of BuildKit's plain progress that begins or ends something.
struct StepLine {
  enum class Kind { Begin, EndPart, EndStep };
  unsigned step = 0;  // N of "#N", which begins at 1
  Kind kind = Kind::Begin;
  std::string_view name;  // of what begins, or of the part that ends; empty for EndStep
};

/// Reads one line without its newline. Steps begin with "#N [...] TEXT", or with an export, a push or a cache
/// transfer ("#N exporting to image"), whose parts ("#N pushing layers", "#N pushing layers 0.2s done") begin
/// and end within it; of what is done to one layer after the other ("#N extracting sha256:ab") the part's
/// name leaves the layer out. "#N DONE", "#N CACHED", "#N ERROR", "#N CANCELED" end the step. The program's
/// own output
/// ("#N 0.123 text") and everything else is nothing.
///
/// The docker build that was before BuildKit, buildah and podman say "Step 3/5 : RUN make" and "STEP 3/5: RUN
/// make", one after the other: that is step 0, whose next line ends the last one, as does "Successfully built
/// ..." and "COMMIT ...".
std::optional<StepLine> ParseStepLine(std::string_view line);

struct Phase {
  std::string name;  // at most kNameBytes, as the build wrote it: not yet escaped
  double seconds = 0;
};

/// What the build was doing, and for how long, by our own clock. Bounded whatever the build prints.
class PhaseLog {
 public:
  static constexpr size_t kPhases = 64;  // further ones are not recorded
  static constexpr size_t kNameBytes = 120;

  void Add(std::string_view line, TimePoint now);
  /// Of the phases that have not ended, the one that began last; empty where none is open.
  std::string_view Current() const;
  /// All phases in the order they first began; open ones last until `now`. One that came back after its end
  /// (BuildKit ends a FROM step when it is resolved, and again when it is extracted) stands here once, with
  /// all its time.
  std::vector<Phase> Until(TimePoint now) const;

 private:
  struct Entry {
    unsigned step;
    std::string name;
    std::optional<TimePoint> open_since;
    std::chrono::steady_clock::duration spent;
  };
  void Begin(const StepLine& line, TimePoint now);
  static void End(Entry& entry, TimePoint now);

  std::vector<Entry> entries_;
};

}  // namespace imagebatch::hang

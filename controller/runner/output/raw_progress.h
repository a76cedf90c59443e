#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace imagebatch::runner {

/// Turns what `buildctl --progress=rawjson` and `docker buildx build --progress=rawjson` print (one
/// SolveStatus of BuildKit's client/graph.go as JSON on each line) into the lines of plain progress, so that
/// phases, news and evidence are read from one format only:
///
///   #2 [1/3] RUN make            a vertex has started
///   #2 DONE                      it has ended; or CACHED, or ERROR: and why
///   #2 pushing layers            a part of it has started; with "done" behind it: it has ended
///   #2 sha256:ab 1200B / 3400B   so far
///   #2 | text                    a line of its log
///
/// Untrusted: text from the JSON makes no line but its own.
class RawProgress {
 public:
  static constexpr size_t kLineBytes = size_t{64} * 1024;  // a longer line is not read
  static constexpr size_t kVertexes = 4096;                // further ones are left out

  /// Whether a line that begins so is one of rawjson; `start` has at least kStartBytes where the line has.
  static bool Begins(std::string_view start);
  static constexpr size_t kStartBytes = 13;

  /// One line without its newline: the lines of plain progress, each with its newline; empty where the line
  /// says nothing or is no SolveStatus.
  std::string ToPlain(std::string_view line);

 private:
  friend class SolveStatusReader;
  struct Vertex {
    uint32_t step = 0;
    bool open = false;
    bool shown = false;
  };
  /// Null where there are too many.
  Vertex* Find(const std::string& digest);

  std::unordered_map<std::string, Vertex> vertexes_;
};

}  // namespace imagebatch::runner

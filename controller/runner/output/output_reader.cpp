#include "runner/output/output_reader.h"

#include <algorithm>
#include <utility>

namespace imagebatch::runner {

void OutputReader::Add(size_t stream, std::string_view bytes, hang::TimePoint now) {
  Stream& of = streams_[stream];
  while (!bytes.empty()) {
    if (of.line == Line::Undecided && of.open.empty() && bytes.front() != '{') of.line = Line::Plain;
    if (of.line == Line::Plain) {
      // Up to the start of a line that may be rawjson: mostly all there is.
      const size_t brace = bytes.find("\n{");
      const size_t size = brace == std::string_view::npos ? bytes.size() : brace + 1;
      AddPlain(stream, bytes.substr(0, size), now);
      if (bytes[size - 1] == '\n') of.line = Line::Undecided;
      bytes.remove_prefix(size);
      continue;
    }
    const size_t end = bytes.find('\n');
    const bool ended = end != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, end);
    if (of.line == Line::Undecided) {
      const size_t missing = RawProgress::kStartBytes - of.open.size();
      of.open.append(piece.substr(0, missing));
      bytes.remove_prefix(std::min(piece.size(), missing));
      if (of.open.size() < RawProgress::kStartBytes && !ended) return;
      of.line = RawProgress::Begins(of.open) ? Line::Raw : Line::Plain;
      if (of.line == Line::Raw) continue;
      AddPlain(stream, of.open, now);
      of.open.clear();
      continue;
    }
    // One byte more than is read, so that a cut can be seen
    of.open.append(
        piece.substr(0, RawProgress::kLineBytes + 1 - std::min(of.open.size(), RawProgress::kLineBytes + 1)));
    bytes.remove_prefix(piece.size() + (ended ? 1 : 0));
    if (ended) EndRaw(stream, now);
  }
}

void OutputReader::AddPlain(size_t stream, std::string_view bytes, hang::TimePoint now) {
  tail_.Add(stream, bytes, now);
  novelty_.Add(stream, bytes, now);
  expected_.Add(stream, bytes);
}

void OutputReader::EndRaw(size_t stream, hang::TimePoint now) {
  Stream& of = streams_[stream];
  of.line = Line::Undecided;
  const std::string line = std::exchange(of.open, {});
  if (line.size() > RawProgress::kLineBytes) return;
  if (!line.starts_with("{\"vertexes\"")) {
    if (line.size() > raw_budget_) return;
    raw_budget_ -= line.size();
  }
  const std::string plain = raw_.ToPlain(line);
  AddPlain(stream, plain, now);
}

void OutputReader::Renew(hang::TimePoint now) {
  novelty_.Renew(now);
  expected_.Renew();
  raw_budget_ = kRawBudgetBytes;
}

}  // namespace imagebatch::runner

#include "runner/output/raw_progress.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;

constexpr size_t kDigestBytes = 128;

/// On one line: a name may hold the newlines of its here-document.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  return text;
}

/// The members of a vertex, a status or a log that are of interest; empty where they are absent.
struct Item {
  std::string digest, name, error;  // of a vertex
  std::string vertex, id, data;     // of a status or a log
  bool started = false, completed = false, cached = false;
  double current = 0, total = 0;
};

}  // namespace

/// Reads one SolveStatus as a stream of tokens, so that no tree of it is ever in memory.
class SolveStatusReader : public json::json_sax_t {
 public:
  explicit SolveStatusReader(RawProgress& progress) : progress_(progress) {}
  std::string TakePlain() { return std::move(plain_); }

  bool null() override { return true; }
  bool boolean(bool value) override {
    if (InItem() && key_ == "cached") item_.cached = value;
    return true;
  }
  bool number_integer(number_integer_t value) override { return Number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return Number(value); }
  bool string(string_t& value) override {
    if (!InItem()) return true;
    const std::pair<std::string_view, std::string*> texts[] = {
        {"digest", &item_.digest}, {"name", &item_.name}, {"error", &item_.error},
        {"vertex", &item_.vertex}, {"id", &item_.id},     {"data", &item_.data}};
    for (const auto& [name, target] : texts) {
      if (key_ != name) continue;
      *target = std::move(value);
      return true;
    }
    if (key_ == "started") item_.started = true;
    if (key_ == "completed") item_.completed = true;
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*elements*/) override {
    if (++depth_ == kItemDepth) item_ = {};
    return true;
  }
  bool key(string_t& value) override {
    if (depth_ == 1) kind_ = value;
    if (InItem()) key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    if (depth_-- == kItemDepth) Finish();
    return true;
  }
  bool start_array(size_t /*elements*/) override {
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  static constexpr int kItemDepth = 3;  // {"vertexes":[{

  bool InItem() const { return depth_ == kItemDepth; }

  bool Number(double value) {
    if (InItem() && key_ == "current") item_.current = value;
    if (InItem() && key_ == "total") item_.total = value;
    return true;
  }

  void Finish() {
    RawProgress::Vertex* vertex = progress_.Find(kind_ == "vertexes" ? item_.digest : item_.vertex);
    if (vertex == nullptr) return;
    step_ = "#" + std::to_string(vertex->step) + " ";
    if (kind_ == "vertexes") ShowVertex(*vertex);
    if (kind_ == "statuses") ShowStatus();
    if (kind_ == "logs") ShowLog();
  }

  void Line(std::string text) {
    plain_ += step_ + OneLine(std::move(text));
    plain_ += '\n';
  }

  void ShowVertex(RawProgress::Vertex& vertex) {
    if (!item_.started) return;
    // BuildKit sends a vertex again whenever anything of it changes.
    if (vertex.shown && vertex.open != item_.completed) return;
    if (!vertex.open) Line(item_.name);
    vertex.shown = true;
    vertex.open = !item_.completed;
    if (vertex.open) return;
    if (!item_.error.empty()) {
      Line("ERROR: " + item_.error);
    } else {
      Line(item_.cached ? "CACHED" : "DONE ");
    }
  }

  void ShowStatus() {
    std::string line = item_.id;
    const auto bytes = [](double count) {
      return " " + std::to_string(static_cast<int64_t>(std::clamp(count, 0.0, 1e18))) + "B";
    };
    if (item_.current > 0) line += bytes(item_.current);
    if (item_.total > 0) line += " /" + bytes(item_.total);
    Line(line + (item_.completed ? " done" : ""));
  }

  void ShowLog() {
    const std::string text = DecodeBase64(item_.data).value_or("");
    for (std::string_view rest = text; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      Line("| " + std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  RawProgress& progress_;
  std::string plain_;
  std::string kind_;
  std::string key_;
  std::string step_;
  Item item_;
  int depth_ = 0;
};

bool RawProgress::Begins(std::string_view start) {
  constexpr std::array<std::string_view, 4> kStarts = {"{\"vertexes\":[", "{\"statuses\":[", "{\"logs\":[",
                                                       "{\"warnings\":["};
  return std::any_of(kStarts.begin(), kStarts.end(),
                     [&](std::string_view each) { return start.starts_with(each); });
}

RawProgress::Vertex* RawProgress::Find(const std::string& digest) {
  if (digest.empty() || digest.size() > kDigestBytes) return nullptr;
  const auto found = vertexes_.find(digest);
  if (found != vertexes_.end()) return &found->second;
  if (vertexes_.size() >= kVertexes) return nullptr;
  Vertex& vertex = vertexes_[digest];
  vertex.step = static_cast<uint32_t>(vertexes_.size());
  return &vertex;
}

std::string RawProgress::ToPlain(std::string_view line) {
  SolveStatusReader reader(*this);
  if (!json::sax_parse(line.begin(), line.end(), &reader)) return {};
  return reader.TakePlain();
}

}  // namespace imagebatch::runner

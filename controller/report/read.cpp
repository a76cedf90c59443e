#include "report/read.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "document/json_member.h"
#include "document/read.h"

namespace imagebatch::report {
namespace {

using document::StringMember;
using nlohmann::json;

constexpr size_t kTextLimit = 4096, kNameLimit = 253, kPhases = 64, kTags = 64;
constexpr size_t kMostLineBytes = size_t{1} << 20U;
constexpr size_t kMostProblems = 20;

/// The UTF-16 unit that stands at `at` as \uXXXX; nothing where none does.
std::optional<unsigned> UnitAt(std::string_view text, size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const auto lower = static_cast<char>(c | 0x20);
    const bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
    if (!digit && !letter) return std::nullopt;
    unit = unit * 16 + static_cast<unsigned>(digit ? c - '0' : lower - 'a' + 10);
  }
  return unit;
}

/// JSON in which every escaped surrogate has its other half: what Python writes for undecodable bytes would
/// otherwise be refused with all that stands beside it.
std::string WithWholeSurrogates(std::string_view text) {
  constexpr std::string_view kReplacement = "\\ufffd";
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      out.push_back(text[i++]);
      continue;
    }
    const auto unit = UnitAt(text, i);
    if (!unit) {
      out.append(text.substr(i, 2));
      i += 2;
      continue;
    }
    const bool high = *unit >= 0xD800 && *unit < 0xDC00, low = *unit >= 0xDC00 && *unit < 0xE000;
    const unsigned next = high ? UnitAt(text, i + 6).value_or(0) : 0;
    if (high && next >= 0xDC00 && next < 0xE000) {
      out.append(text.substr(i, 12));
      i += 12;
    } else {
      out.append(high || low ? kReplacement : text.substr(i, 6));
      i += 6;
    }
  }
  return out;
}

std::string TextOf(const json& object, const char* name) {
  return Cut(StringMember(object, name), kTextLimit);
}

std::optional<Time> TimeOf(const json& object, const char* name) {
  const std::string text = StringMember(object, name);
  return text.empty() ? std::nullopt : ParseTime(text);
}

/// Seconds; nothing where there are none, or what nothing could have lasted.
std::optional<double> SecondsOf(const json& object, const char* name) {
  constexpr double kMost = 1e9;
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number()) return std::nullopt;
  const auto seconds = at->get<double>();
  if (!std::isfinite(seconds) || seconds > kMost) return std::nullopt;
  return std::max(seconds, 0.0);
}

std::optional<int> CountOf(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number_integer()) return std::nullopt;
  const auto count = at->get<double>();
  if (count < 0 || count > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(count);
}

std::optional<Status> StatusOf(const std::string& word) {
  for (const Status status : {Status::Built, Status::Skipped, Status::Failed}) {
    if (word == NameOf(status)) return status;
  }
  return std::nullopt;
}

void ReadTags(const json& line, Attempt& attempt) {
  const auto tags = line.find("tags");
  if (tags == line.end() || !tags->is_array()) return;
  for (const json& tag : *tags) {
    if (tag.is_string() && attempt.tags.size() < kTags)
      attempt.tags.push_back(Cut(tag.get<std::string>(), kTextLimit));
  }
}

void ReadPhases(const json& line, Attempt& attempt) {
  const auto phases = line.find("phases");
  if (phases == line.end() || !phases->is_array()) return;
  for (const json& phase : *phases) {
    if (!phase.is_object() || attempt.phases.size() == kPhases) continue;
    const auto seconds = SecondsOf(phase, "seconds");
    const std::string name = StringMember(phase, "name");
    if (seconds && !name.empty()) attempt.phases.emplace_back(Cut(name, kNameLimit), *seconds);
  }
}

int64_t HangsOf(const json& line) {
  constexpr uint64_t kMost = 1'000'000;
  const auto hangs = line.find("hangs");
  if (hangs == line.end() || !hangs->is_object()) return 0;
  uint64_t sum = 0;
  for (const auto& [name, count] : hangs->items()) {
    if (count.is_number_unsigned()) sum = std::min(kMost, sum + std::min(kMost, count.get<uint64_t>()));
  }
  return static_cast<int64_t>(sum);
}

/// Of an attempt; a reason where it is none.
Result<Attempt> ReadAttempt(const json& line) {
  if (!line.is_object()) return Fail("is no JSON object");
  Attempt attempt;
  attempt.name = StringMember(line, "name");
  attempt.stage = StringMember(line, "stage");
  if (attempt.name.empty()) return Fail("is no result: it has no name");
  if (attempt.name.size() > kNameLimit || attempt.stage.size() > kNameLimit)
    return Fail("is no result: its name or stage has more than 253 bytes");
  const auto status = StatusOf(StringMember(line, "status"));
  if (!status) return Fail("is no result: its status is none of built, skipped_remote_exists and failed");
  const auto number = CountOf(line, "attempt_count");
  if (!number) return Fail("is no result: it has no attempt_count");
  attempt.number = *number;
  attempt.status = *status;
  ReadTags(line, attempt);
  ReadPhases(line, attempt);
  attempt.error = TextOf(line, "error");
  attempt.reason = TextOf(line, "reason");
  attempt.cause = TextOf(line, "cause");
  attempt.skip_reason = TextOf(line, "skip_reason");
  attempt.base_image = TextOf(line, "base_image");
  attempt.digest = TextOf(line, "digest");
  attempt.log_path = TextOf(line, "log_path");
  attempt.hang_class = TextOf(line, "class");
  attempt.fingerprint = TextOf(line, "fingerprint");
  attempt.hang_summary = TextOf(line, "summary");
  attempt.evidence_record = TextOf(line, "evidence_record");
  attempt.hung_since = TimeOf(line, "hung_since");
  attempt.hangs = std::max<int64_t>(HangsOf(line), attempt.hang_class.empty() ? 0 : 1);
  attempt.started = TimeOf(line, "started_at");
  attempt.finished = TimeOf(line, "finished_at");
  attempt.recorded = TimeOf(line, "time");
  attempt.seconds = SecondsOf(line, "duration_seconds");
  attempt.remote_check_seconds = SecondsOf(line, "remote_check_seconds");
  attempt.post_build_seconds = SecondsOf(line, "post_build_seconds");
  return attempt;
}

class Reader {
 public:
  void Complain(const std::string& place, const std::string& why) {
    if (reading_.problems.size() < kMostProblems) {
      reading_.problems.push_back(place + ": " + why);
    } else {
      ++left_out_;
    }
  }

  void AddLine(const std::string& place, const json& line) {
    auto attempt = ReadAttempt(line);
    if (!attempt) return Complain(place, attempt.error().message);
    reading_.material.attempts.push_back(std::move(*attempt));
  }

  void AddLines(std::string_view text) {
    for (size_t number = 1; !text.empty(); ++number) {
      const size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
      const std::string place = "line " + std::to_string(number);
      const auto value = document::ReadJson(WithWholeSurrogates(line), kMostLineBytes);
      if (value) {
        AddLine(place, *value);
      } else if (end == std::string_view::npos) {
        Complain(place, "is cut off; it is left out");
      } else {
        Complain(place, value.error().message);
      }
    }
  }

  void AddObject(const std::string& place, const json& object) {
    const std::string kind = object.is_object() ? StringMember(object, "kind") : "";
    if (kind == "ImageBatchRecord") return AddRecord(place, object);
    if (kind == "ImageBatch") return AddBatch(object);
    if (kind != "List" && kind != "ImageBatchRecordList" && kind != "ImageBatchList")
      return Complain(place, "is no ImageBatchRecord and no List of them");
    const auto items = object.find("items");
    if (items == object.end() || !items->is_array()) return;
    for (size_t i = 0; i < items->size(); ++i) AddObject("items[" + std::to_string(i) + "]", (*items)[i]);
  }

  Result<Reading> Take() {
    if (batches_.size() > 1) {
      return Fail("has the results of " + std::to_string(batches_.size()) + " batches (" + OneLineOfNames() +
                  "); choose one with -l imagebatch.dev/batch=NAME");
    }
    if (!batches_.empty()) reading_.material.batch = *batches_.begin();
    if (left_out_ > 0) reading_.problems.push_back("and " + std::to_string(left_out_) + " more of this kind");
    return std::move(reading_);
  }

 private:
  std::string OneLineOfNames() const {
    std::string names;
    size_t shown = 0;
    for (const std::string& name : batches_) {
      if (shown++ == 5) return names + ", ...";
      names += (names.empty() ? "" : ", ") + Printable(name, 100);
    }
    return names;
  }

  static json Metadata(const json& object) {
    const auto metadata = object.find("metadata");
    return metadata != object.end() && metadata->is_object() ? *metadata : json::object();
  }

  void AddRecord(const std::string& place, const json& object) {
    const json metadata = Metadata(object);
    const auto labels = metadata.find("labels");
    const std::string batch =
        labels != metadata.end() && labels->is_object() ? StringMember(*labels, "imagebatch.dev/batch") : "";
    if (batch.empty()) return;  // of a watched Pod, which is no build of a batch
    batches_.insert(batch);
    if (const std::string evidence = StringMember(object, "evidence"); !evidence.empty())
      reading_.material.evidence[StringMember(metadata, "name")] = evidence;
    const auto results = object.find("results");
    if (results == object.end() || !results->is_array()) return;
    for (size_t i = 0; i < results->size(); ++i)
      AddLine(place + ".results[" + std::to_string(i) + "]", (*results)[i]);
  }

  void AddBatch(const json& object) {
    batches_.insert(StringMember(Metadata(object), "name"));
    const auto status = object.find("status");
    if (status == object.end() || !status->is_object()) return;
    if (const auto total = CountOf(*status, "total")) reading_.material.total = static_cast<size_t>(*total);
  }

  Reading reading_;
  std::set<std::string> batches_;
  size_t left_out_ = 0;
};

/// Whether it is one JSON value of objects, and not lines of results: its first line is no whole value, or it
/// has a kind.
bool IsOneValue(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') return false;
  const std::string_view first = text.substr(begin, text.find('\n', begin) - begin);
  if (first.find_first_not_of(" \t\r", 1) == std::string_view::npos)
    return true;  // "{" alone: pretty-printed
  const json value = json::parse(first, nullptr, false);
  return value.is_object() && value.contains("kind");
}

}  // namespace

const char* NameOf(Status status) {
  switch (status) {
    case Status::Built:
      return "built";
    case Status::Skipped:
      return "skipped_remote_exists";
    case Status::Failed:
      return "failed";
  }
  return "failed";
}

Result<Reading> ReadResults(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader;
  if (IsOneValue(text)) {
    const auto value = document::ReadJson(WithWholeSurrogates(text), kMostJsonBytes);
    if (!value) return Fail(value.error().message);
    reader.AddObject("it", *value);
  } else {
    reader.AddLines(text);
  }
  return reader.Take();
}

Result<Reading> ReadObjects(const std::vector<json>& objects) {
  Reader reader;
  for (const json& object : objects) {
    const auto metadata = object.find("metadata");
    const std::string name =
        metadata != object.end() && metadata->is_object() ? StringMember(*metadata, "name") : "";
    reader.AddObject(StringMember(object, "kind") + " " + name, object);
  }
  return reader.Take();
}

}  // namespace imagebatch::report

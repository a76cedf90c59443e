#include "rows/dataset.h"

#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/percent_encode.h"
#include "base/text.h"
#include "document/json_member.h"

namespace imagebatch::rows {
namespace {

namespace sj = simdjson::ondemand;
using namespace std::chrono_literals;

constexpr size_t kPage = 100;  // the most that the server gives at once
constexpr int kAttempts = 8;
constexpr Duration kReplyWithin = 60s, kFirstPause = 1s, kLongestPause = 60s, kMostAskedFor = 300s;

/// What the server says of an error.
std::string Said(const kube::Response& response) {
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  std::string error = body.is_object() ? document::StringMember(body, "error") : "";
  return "the server answers " + std::to_string(response.status) +
         (error.empty() ? "" : ": " + Printable(error, 300));
}

std::string Advice(int status) {
  if (status == 401 || status == 403 || status == 404)
    return " (a private or gated data set needs a token in HF_TOKEN)";
  return "";
}

/// The body of a reply with status 200.
Result<std::string> Get(const std::string& path, const FetchTools& tools) {
  kube::Request request;
  request.path = path;
  std::string why;
  for (int attempt = 1;; ++attempt) {
    auto response = tools.transport.Send(request, kReplyWithin);
    if (response && response->status == 200) return std::move(response->body);
    why = response ? Said(*response) : "no reply: " + Printable(response.error().message, 300);
    const bool again = !response || response->status == 429 || response->status >= 500;
    if (!again) return Fail(why + Advice(response->status));
    if (attempt == kAttempts) break;
    Duration pause(static_cast<Duration::rep>(
        tools.random() *
        static_cast<double>(std::min(kLongestPause, kFirstPause * (1 << (attempt - 1))).count())));
    if (response && response->retry_after) {
      pause = *response->retry_after;
      if (pause > kMostAskedFor) {
        return Fail(why + "; it asks to wait " + std::to_string(response->retry_after->count()) +
                    " s, so try again later");
      }
    }
    tools.retrying(why, pause);
    tools.wait(pause);
  }
  return Fail(why + "; given up after " + std::to_string(kAttempts) + " attempts");
}

std::string Named(const DatasetSplit& split) {
  return (split.config.empty() ? "any" : Quote(split.config)) + " and split " +
         (split.split.empty() ? "any" : Quote(split.split));
}

/// The one split that is meant.
Result<DatasetSplit> FindSplit(const DatasetSplit& wanted, const FetchTools& tools) {
  const auto body = Get("/splits?dataset=" + PercentEncode(wanted.dataset), tools);
  if (!body) return tl::unexpected(body.error());
  const auto reply = nlohmann::json::parse(*body, nullptr, false);
  const auto splits = reply.is_object() ? reply.find("splits") : reply.end();
  if (!reply.is_object() || splits == reply.end() || !splits->is_array())
    return Fail("the reply to /splits is not that of a datasets server");
  std::vector<DatasetSplit> matching;
  std::string all;
  for (const auto& each : *splits) {
    const DatasetSplit split{wanted.dataset, document::StringMember(each, "config"),
                             document::StringMember(each, "split")};
    all += (all.empty() ? "" : ", ") + split.config + "/" + split.split;
    if ((wanted.config.empty() || split.config == wanted.config) &&
        (wanted.split.empty() || split.split == wanted.split)) {
      matching.push_back(split);
    }
  }
  if (matching.size() == 1) return matching.front();
  return Fail("it has " + std::string(matching.empty() ? "no" : "more than one") + " split with config " +
              Named(wanted) +
              "; give one of these (CONFIG/SPLIT) with --config and --split: " + Printable(all, 500));
}

/// What one page says.
struct Page {
  std::vector<Record> records;
  size_t total = 0;
  bool partial = false;
};

/// Of one element of "rows", with the index `number` in the split.
Result<Record> ReadRow(sj::object row, size_t number, const Columns& columns) {
  const std::string origin = "row " + std::to_string(number);
  uint64_t index = number;
  if (row["row_idx"].get(index) != simdjson::SUCCESS || index != number)
    return Fail(origin + ": the server sent another row in its place");
  sj::object values;
  std::string_view text;
  if (row["row"].get(values) != simdjson::SUCCESS || values.raw_json().get(text) != simdjson::SUCCESS)
    return Fail(origin + ": the server sent no object");
  auto record = ReadRecord(text, text, origin, columns);
  if (!record) return record;
  sj::array truncated;
  if (row["truncated_cells"].get(truncated) != simdjson::SUCCESS) return record;
  for (auto each : truncated) {
    std::string_view column;
    if (each.get(column) != simdjson::SUCCESS || record->Find(column) == nullptr) continue;
    return Fail(origin + ": the server cut column " + Quote(column) +
                " short; leave it out (--columns, --for), or download the data set and give its file");
  }
  return record;
}

Result<Page> ReadPage(const std::string& body, size_t offset, const Columns& columns) {
  const auto unexpected = [&] {
    return Fail("the reply to /rows at " + std::to_string(offset) + " is not that of a datasets server");
  };
  const simdjson::padded_string padded(body);
  sj::parser parser;
  sj::document document;
  sj::object root;
  sj::array rows;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(root) != simdjson::SUCCESS || root["rows"].get(rows) != simdjson::SUCCESS) {
    return unexpected();
  }
  Page page;
  for (auto each : rows) {
    sj::object row;
    if (each.get(row) != simdjson::SUCCESS) return unexpected();
    auto record = ReadRow(row, offset + page.records.size(), columns);
    if (!record) return tl::unexpected(record.error());
    page.records.push_back(std::move(*record));
  }
  uint64_t total = 0;
  if (root["num_rows_total"].get(total) != simdjson::SUCCESS) return unexpected();
  page.total = total;
  if (root["partial"].get(page.partial) != simdjson::SUCCESS) page.partial = false;  // an older server
  return page;
}

}  // namespace

Result<std::vector<Record>> FetchRecords(const DatasetSplit& wanted, const Columns& columns,
                                         const FetchTools& tools) {
  const auto split = FindSplit(wanted, tools);
  if (!split) return tl::unexpected(split.error());
  const std::string path = "/rows?dataset=" + PercentEncode(split->dataset) +
                           "&config=" + PercentEncode(split->config) +
                           "&split=" + PercentEncode(split->split);
  std::vector<Record> records;
  std::optional<size_t> total;
  while (!total || records.size() < *total) {
    const size_t offset = records.size();
    const auto body =
        Get(path + "&offset=" + std::to_string(offset) + "&length=" + std::to_string(kPage), tools);
    if (!body) return tl::unexpected(body.error());
    auto page = ReadPage(*body, offset, columns);
    if (!page) return tl::unexpected(page.error());
    if (page->partial) {
      return Fail("the server has only the first " + std::to_string(page->total) +
                  " rows of this split; download the data set and give its file");
    }
    if (total.value_or(page->total) != page->total)
      return Fail("the data set changed while it was read; start again");
    total = page->total;
    if (page->records.empty() && offset < *total) {
      return Fail("the server sends no rows from " + std::to_string(offset) + " on, though it has " +
                  std::to_string(*total));
    }
    std::move(page->records.begin(), page->records.end(), std::back_inserter(records));
    tools.progress(std::min(records.size(), *total), *total);
  }
  return records;
}

}  // namespace imagebatch::rows

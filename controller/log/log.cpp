#include "log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/text.h"

namespace imagebatch::log {
namespace {

constexpr size_t kMessageLimit = 4096;  // bytes; a message may carry what the API server or a build said

/// As --log-level has them, and as others write them: spdlog's own name is "warning".
std::string_view Name(spdlog::level::level_enum level) {
  return level == spdlog::level::warn    ? "warn"
         : level == spdlog::level::err   ? "error"
         : level == spdlog::level::debug ? "debug"
                                         : "info";
}

// The whole object is made here and passed as %v, because spdlog's patterns do not escape.
void Write(spdlog::level::level_enum level, std::string_view message, const Subject& subject) {
  spdlog::logger* logger = spdlog::default_logger_raw();
  if (!logger->should_log(level)) return;
  std::string fields;
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty())
      fields.append(",\"").append(key).append("\":\"").append(JsonEscape(value)).append("\"");
  };
  fields.append("\"level\":\"").append(Name(level)).append("\",");
  fields.append("\"msg\":\"").append(JsonEscape(Cut(message, kMessageLimit))).append("\"");
  add("namespace", subject.ns);
  add("batch", subject.batch);
  add("job", subject.job);
  add("reason", subject.reason);
  logger->log(level, "{}", fields);
}

}  // namespace

bool Begin(std::string_view level) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") return false;
  // Synchronous: a crash loses nothing that was logged before it
  auto logger =
      std::make_shared<spdlog::logger>("imagebatch", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  logger->set_level(parsed);
  logger->set_pattern(R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return true;
}

void Debug(std::string_view message, const Subject& subject) {
  Write(spdlog::level::debug, message, subject);
}
void Info(std::string_view message, const Subject& subject) { Write(spdlog::level::info, message, subject); }
void Warn(std::string_view message, const Subject& subject) { Write(spdlog::level::warn, message, subject); }
void Error(std::string_view message, const Subject& subject) { Write(spdlog::level::err, message, subject); }

}  // namespace imagebatch::log

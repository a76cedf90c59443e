#pragma once
#include <string>
#include <string_view>

namespace imagebatch::log {

/// What a line is about; empty fields are left out of it.
struct Subject {
  std::string_view ns, batch, job, reason;
};

/// Begins logging: one JSON object a line on standard output, keys ts level msg namespace batch job reason.
/// `level`: debug, info, warn, error or off; false where it is none of these. Call once, first in main.
bool Begin(std::string_view level);

void Debug(std::string_view message, const Subject& subject = {});
void Info(std::string_view message, const Subject& subject = {});
void Warn(std::string_view message, const Subject& subject = {});
void Error(std::string_view message, const Subject& subject = {});

}  // namespace imagebatch::log

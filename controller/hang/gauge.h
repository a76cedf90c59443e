#pragma once
#include <span>
#include <string_view>

namespace imagebatch::hang {

/// Words of one line, without numbers and signs, in their order.
using Words = std::span<const std::string_view>;

/// A number between `before` and `after`, words of its part of the line (up to a comma or the like), shows a
/// state and not how far something has come: memory, disk, load, a queue ("rss 612.4 MB", "disk usage: 71%",
/// "43% used"), or time of a limit ("minute 3/30", "12% of the time limit"). What is being copied, written,
/// loaded is named by a verb, and is none ("Converting disk image: 45%").
bool IsGauge(Words before, Words after);

/// The line tells of a transfer: what it says of bytes is how many went over, though no total is known
/// ("1234567 bytes (1.2 MB) copied", "Sending build context to Docker daemon  34.5MB").
bool TellsTransfer(Words line);

}  // namespace imagebatch::hang

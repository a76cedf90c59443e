#include "hang/line_shape.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "hang/gauge.h"

namespace imagebatch::hang {
namespace {

constexpr char kEscape = '\x1B';
constexpr size_t kShortestHexId = 7;  // what git prints of a commit

bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }
bool IsLetter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }
bool IsHexLetter(char byte) { return (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F'); }
bool IsHigh(char byte) { return (static_cast<unsigned char>(byte) & 0x80) != 0; }
bool IsWordByte(char byte) { return IsLetter(byte) || IsDigit(byte) || IsHigh(byte); }

bool Among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsTimeUnit(std::string_view word) {
  return Among(word, {"ns", "us", "ms", "s", "m", "h", "d", "sec", "secs", "min", "mins"});
}

/// Bytes of a unit; 0 where it is none. Short ones only right behind their number.
double SizeUnit(std::string_view word, bool attached) {
  if (Among(word, {"B", "b", "bytes", "Bytes"})) return 1;
  if (Among(word, {"kB", "KB", "KiB", "kiB"}) || (attached && Among(word, {"k", "K"}))) return 1e3;
  if (Among(word, {"MB", "MiB"}) || (attached && word == "M")) return 1e6;
  if (Among(word, {"GB", "GiB"}) || (attached && word == "G")) return 1e9;
  return 0;
}

/// Names in a date. Months that are words of their own are left: they change once in a month.
bool IsDateWord(std::string_view word) {
  return Among(word, {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "AM", "PM"});
}

/// Lines with such a word count attempts: "retrying (3/10)" is no progress.
bool CountsAttempts(std::string_view word) {
  for (std::string_view part : {"attempt", "Attempt", "ATTEMPT", "retr", "Retr", "RETR"}) {
    if (word.starts_with(part)) return true;
  }
  return Among(word, {"try", "Try", "tries", "trying", "Trying"});
}

/// The words of a line, and where its amounts stand among them.
struct Context {
  static constexpr size_t kWords = 32;  // further ones are left out
  static constexpr size_t kTableSizes = 3;

  std::array<std::string_view, kWords> words;
  std::array<size_t, kWords> parts;  // which part of the line each stands in
  size_t word_count = 0;
  size_t part = 0;
  struct Place {
    size_t word = 0, part = 0;  // the word behind it
  };
  std::array<Place, LineShape::kAmounts> places;
  size_t sizes = 0;
  bool rate = false;

  void Add(std::string_view word) {
    if (word_count == kWords) return;
    words[word_count] = word;
    parts[word_count++] = part;
  }
  Words Before(const Place& place) const {
    size_t first = place.word;
    while (first > 0 && parts[first - 1] == place.part) --first;
    return {words.data() + first, place.word - first};
  }
  Words After(const Place& place) const {
    size_t last = place.word;
    while (last < word_count && parts[last] == place.part) ++last;
    return {words.data() + place.word, last - place.word};
  }
  Words All() const { return {words.data(), word_count}; }
};

class Reader {
 public:
  /// `context` is filled where it is there.
  explicit Reader(std::string_view line, Context* context = nullptr) : rest_(line), context_(context) {}

  LineShape Read() {
    while (!rest_.empty()) {
      const char front = rest_.front();
      if (front == kEscape) {
        Take(EscapeSize(rest_));
      } else if (IsDigit(front) || IsLetter(front) || IsHigh(front)) {
        if (!TakeSymbol() && !TakeHexId()) IsDigit(front) ? TakeNumber() : TakeWord();
      } else if (rest_.starts_with("/tmp/")) {
        rest_.remove_prefix(5);
        Identifier(Take(std::min(rest_.find_first_of("/ \t\"'`:,;)>]"), rest_.size())));
      } else {
        if (context_ != nullptr && (front == ',' || front == ';' || front == '|')) ++context_->part;
        rest_.remove_prefix(1);
      }
    }
    if (attempts_) DropCounts();
    return shape_;
  }

 private:
  std::string_view Take(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void DropCounts() {
    size_t kept = 0;
    for (size_t index = 0; index < shape_.amount_count; ++index) {
      const Amount::Kind kind = shape_.amounts[index].kind;
      if (kind == Amount::Kind::BareRatio || kind == Amount::Kind::Counter) continue;
      if (context_ != nullptr) context_->places[kept] = context_->places[index];
      shape_.amounts[kept++] = shape_.amounts[index];
    }
    shape_.amount_count = kept;
  }

  char At(size_t index) const { return index < rest_.size() ? rest_[index] : '\0'; }

  /// FNV-1a, with an end to each word.
  static void Hash(uint64_t& hash, std::string_view word) {
    constexpr uint64_t kPrime = 0x100000001B3;
    if (hash == 0) hash = 0xCBF29CE484222325;
    for (char byte : word) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
    hash *= kPrime;
  }

  void Word(std::string_view word) {
    if (IsDateWord(word)) return;
    Hash(shape_.words, word);
    Hash(shape_.subject, word);
    shape_.empty = false;
    if (context_ != nullptr) context_->Add(word);
    attempts_ = attempts_ || CountsAttempts(word);
  }

  void Identifier(std::string_view id) { Hash(shape_.subject, id); }

  void Add(Amount::Kind kind, double value, double total = 0) {
    if (shape_.amount_count == LineShape::kAmounts) return;
    if (context_ != nullptr) {
      context_->places[shape_.amount_count] = {context_->word_count, context_->part};
    }
    shape_.amounts[shape_.amount_count++] = {kind, value, total};
  }

  /// U+2000 to U+2FFF (punctuation, arrows, boxes, blocks, dingbats, Braille) and U+1F000 to U+1FFFF.
  bool TakeSymbol() {
    const size_t size = SymbolSize(rest_);
    Take(size);
    return size > 0;
  }

  static size_t SymbolSize(std::string_view text) {
    if (text.starts_with('\xE2')) return 3;
    return text.starts_with("\xF0\x9F") ? 4 : 0;
  }

  size_t WordSize() const {
    size_t size = 0;
    while (size < rest_.size() && IsWordByte(rest_[size]) && SymbolSize(rest_.substr(size)) == 0) ++size;
    return size;
  }

  /// A digest, a UUID, a MAC or IPv6 address: hex digits, with at least one letter, joined by dashes or
  /// colons.
  bool TakeHexId() {
    size_t size = 0;
    bool letter = false, digit = false;
    for (; size < rest_.size(); ++size) {
      const char byte = rest_[size];
      letter = letter || IsHexLetter(byte);
      digit = digit || IsDigit(byte);
      if (!IsHexLetter(byte) && !IsDigit(byte) && byte != '-' && byte != ':') break;
    }
    if (IsWordByte(At(size))) return false;
    while (size > 0 && !IsHexLetter(rest_[size - 1]) && !IsDigit(rest_[size - 1])) --size;
    if (size < kShortestHexId || !letter) return false;
    if (!digit && rest_.substr(0, size).find_first_of("-:") != std::string_view::npos) return false;
    Identifier(Take(size));
    return true;
  }

  /// Letters, perhaps with digits behind them ("libc6"), which are set aside. What changes between letters
  /// and digits more than once ("x2k9", "tmpd0ie7") is an identifier.
  void TakeWord() {
    const std::string_view word = Take(WordSize());
    const auto digits = std::find_if(word.begin(), word.end(), IsDigit);
    if (std::any_of(digits, word.end(), [](char byte) { return !IsDigit(byte); })) {
      Identifier(word);
    } else {
      Word(word.substr(0, static_cast<size_t>(digits - word.begin())));
    }
  }

  void TakeNumber() {
    if (TakeTime()) return;
    const double value = TakeValue();
    const double unit = TakeUnit();
    if (unit < 0) return;
    if (TakeRatio(value, unit)) return;
    if (At(0) == '%' || (At(0) == ' ' && At(1) == '%')) {
      if (value <= 100) Add(Amount::Kind::Progress, value, 100);
    } else if (unit > 0) {
      if (!TakeRate()) Add(Amount::Kind::Size, value * unit);
    } else if (std::floor(value) == value) {
      Add(Amount::Kind::Counter, value);
    }
  }

  /// Digits in groups, as in times, dates, versions, addresses: "22:14:43.5", "2026-11-23T22", "1.2.3".
  bool TakeTime() {
    size_t size = 0, colons = 0, dashes = 0, dots = 0;
    while (IsDigit(At(size))) {
      while (IsDigit(At(size))) ++size;
      if (!IsDigit(At(size + 1))) break;
      const char separator = At(size);
      if (separator == ':') ++colons;
      if (separator == '-') ++dashes;
      if (separator == '.') ++dots;
      if (separator == ':' || separator == '-' || separator == '.' || separator == 'T') ++size;
    }
    if (colons == 0 && dashes < 2 && dots < 2) return false;
    Take(size);
    return true;
  }

  /// "12", "12.5", "1,234".
  double TakeValue() {
    double value = 0;
    while (IsDigit(At(0)) || (At(0) == ',' && IsDigit(At(1)))) {
      if (At(0) != ',') value = value * 10 + (At(0) - '0');
      Take(1);
    }
    if (At(0) != '.' || !IsDigit(At(1))) return value;
    Take(1);
    for (double place = 0.1; IsDigit(At(0)); place /= 10) {
      value += place * (At(0) - '0');
      Take(1);
    }
    return value;
  }

  /// The bytes of the unit behind a number; 0: none; -1: it is no amount at all, and what it is was taken.
  double TakeUnit() {
    const bool attached = IsWordByte(At(0));
    if (!attached && (At(0) != ' ' || !IsLetter(At(1)))) return 0;
    const std::string_view before = rest_;
    if (!attached) Take(1);
    const std::string_view word = rest_.substr(0, WordSize());
    const double unit = SizeUnit(word, attached);
    if (unit > 0) {
      Take(word.size());
      if (context_ != nullptr) ++context_->sizes;
      return unit;
    }
    if (!attached) {
      const bool time = IsTimeUnit(word) || word.starts_with("second") || word.starts_with("minute");
      if (!time) rest_ = before;
      if (time) Take(word.size());
      return time ? -1 : 0;
    }
    Take(word.size());
    if (IsDuration(word)) return -1;  // "5s", "1h2m3s"
    if (std::any_of(word.begin(), word.end(), IsDigit)) {
      Identifier(word);  // "8f3k2"
    } else {
      Word(word);  // "3rd"
    }
    return -1;
  }

  static bool IsDuration(std::string_view word) {
    while (!word.empty()) {
      const size_t digits = std::min(word.find_first_of("0123456789"), word.size());
      if (!IsTimeUnit(word.substr(0, digits))) return false;
      word.remove_prefix(digits);
      word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
    }
    return true;
  }

  bool TakeRate() {
    const bool rate = (At(0) == '/' && IsLetter(At(1))) || rest_.starts_with("ps");
    if (rate && context_ != nullptr) context_->rate = true;
    return rate;
  }

  /// The rest of "12/500", "12.3 MB / 40 MB", "12.3/40.0 MB", "3 of 20" behind its first part.
  bool TakeRatio(double value, double unit) {
    size_t skip = 0;
    if (rest_.starts_with(" of ")) {
      skip = 4;
    } else {
      while (At(skip) == ' ') ++skip;
      if (At(skip) != '/') return false;
      ++skip;
      while (At(skip) == ' ') ++skip;
    }
    if (!IsDigit(At(skip))) return false;
    Take(skip);
    if (TakeTime()) return true;
    const double total = TakeValue();
    const double total_unit = TakeUnit();
    if (total_unit < 0 || TakeRate()) return true;  // "10/60s", "1.2/3 MB/s"
    if (At(0) == '/' && IsDigit(At(1))) {           // 23/11/2026
      Take(1);
      TakeValue();
      return true;
    }
    const double first = value * (unit > 0 ? unit : std::max(total_unit, 1.0));
    const double whole = total * std::max(total_unit, 1.0);
    if (first <= whole && total > 1)
      Add(unit == 0 && total_unit == 0 ? Amount::Kind::BareRatio : Amount::Kind::Progress, first, whole);
    return true;
  }

  std::string_view rest_;
  Context* context_;
  LineShape shape_;
  bool attempts_ = false;
};

}  // namespace

LineShape ShapeOf(std::string_view line) { return Reader(line).Read(); }

uint8_t GaugesOf(std::string_view line) {
  Context context;
  const LineShape shape = Reader(line, &context).Read();
  const bool transfer = shape.empty || context.rate || TellsTransfer(context.All());
  const bool table = !transfer && context.sizes >= Context::kTableSizes;
  uint8_t gauges = 0;
  for (size_t index = 0; index < shape.amount_count; ++index) {
    const Context::Place& place = context.places[index];
    const bool gauge = table || (shape.amounts[index].kind == Amount::Kind::Size && !transfer) ||
                       IsGauge(context.Before(place), context.After(place));
    if (gauge) gauges = static_cast<uint8_t>(gauges | 1U << index);
  }
  return gauges;
}

// ECMA-48: CSI with its parameters, OSC up to BEL or ESC \, and the short ones.
size_t EscapeSize(std::string_view text) {
  if (!text.starts_with(kEscape)) return 0;
  const char kind = text.size() > 1 ? text[1] : '\0';
  size_t size = kind == '(' || kind == ')' ? 3 : 2;
  if (kind == '[') {
    while (size < text.size() && (text[size] < 0x40 || text[size] > 0x7E)) ++size;
    ++size;
  } else if (kind == ']') {
    const size_t end = text.find_first_of("\a\x1B", 2);
    size = end == std::string_view::npos ? text.size() : end + (text[end] == kEscape ? 2 : 1);
  }
  return std::min(size, text.size());
}

}  // namespace imagebatch::hang

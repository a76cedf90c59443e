#include "hang/random_text.h"

#include <algorithm>
#include <cctype>
#include <functional>

namespace imagebatch::hang {
namespace {

/// How rarely a letter (column) follows another (row) in names: -log2 of its share in half bits, as letters
/// from 'a' on. Counted over 94,000 words in names of packages of Debian, PyPI, npm, Maven, NuGet and Go.
constexpr std::string_view kRarity[] = {
    "pkijpnjpjrmhjgpisghglmnolo", "hljlhlknhlnhkmhkoiilinnnmp", "gpmnhopgkshimqfltikhkqrrnt",
    "gjlleklogomklnhlsjjmkoopms", "jlijkmmqnqoijgmkpfhiolmjnq", "homnhioqfsqhmpgmsijjjrpojt",
    "inlmenkjhrqiljhkrgjljqoqnr", "fommfoqrgqpmlngmoklijqorkt", "kfijkkktqsnijfikrkihplsntm",
    "fnlmgnooipnnmnhkondmionppr", "gllkenlmfpnklliltkikjonqlr", "gomlgopsdtoinrhmupjkkoqrls",
    "fkllfnnqgrpjkoghqnkmjpqrmt", "hnihgkhpiplmnlimrohgllqpmq", "llijpmkqmpliifjisgiijmkmpr",
    "gpllgonjhsohnpijshkjkrprgu", "jmklmoopkrtgkomlokkhdpmoqr", "fnkkfnmqgrlmkmglsmiikmqrkt",
    "joimgooihrllkniinoifknmqkt", "gnknfnpigqnlmpglthjkkqnqkr", "jjkjjmlriroiigoiwhggqpsnro",
    "gnlmdonperpmlnimtnllmpqqou", "fnmlfnnkfrnlljhmsjilnrpoos", "jlikhkmnhpojinkhqkjflonljq",
    "hkijjlknloniiijgokghlnmoqn", "gmlnenolhpnklmhmqmmmkpnoii"};

constexpr double kBitsOfALetter = 4.7;  // log2(26): of one that is drawn
constexpr double kEnoughBits = 20;
constexpr size_t kFewestTexts = 3;
constexpr size_t kFewestBytes = 4;     // shorter ones come again
constexpr double kMostAlike = 0.4;     // of the places of two texts that follow one another
constexpr double kDigitOrLetter = 4;   // bits, for a place that had both
constexpr double kOtherSign = -6;      // bits, for a place that had a sign and something else
constexpr size_t kOrderIsCertain = 6;  // so many in order are no chance

bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }
bool IsLetter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }
size_t PlaceOf(char letter) { return static_cast<size_t>((letter | 0x20) - 'a'); }

using Texts = std::span<const std::string_view>;

/// The newest texts of equal length.
Texts OfOneLength(Texts texts) {
  size_t count = 0;
  while (count < texts.size() && texts[texts.size() - 1 - count].size() == texts.back().size()) ++count;
  return texts.last(count);
}

/// So many places at the start (or end) are the same in all.
size_t Shared(Texts texts, bool at_end) {
  const size_t size = texts.front().size();
  const auto same = [&](size_t place) {
    const size_t at = at_end ? size - 1 - place : place;
    return std::all_of(texts.begin(), texts.end(),
                       [&](std::string_view text) { return text[at] == texts.front()[at]; });
  };
  size_t count = 0;
  while (count < size && same(count)) ++count;
  return count;
}

double BitsOfLetters(std::string_view text) {
  double bits = 0;
  for (size_t place = 1; place < text.size(); ++place) {
    if (!IsLetter(text[place - 1]) || !IsLetter(text[place])) continue;
    bits += (kRarity[PlaceOf(text[place - 1])][PlaceOf(text[place])] - 'a') / 2.0 - kBitsOfALetter;
  }
  return bits;
}

double BitsOfPlace(Texts texts, size_t place) {
  bool digit = false, letter = false, sign = false;
  for (std::string_view text : texts) {
    const char byte = text[place];
    (IsDigit(byte) ? digit : IsLetter(byte) ? letter : sign) = true;
  }
  if (sign && (digit || letter)) return kOtherSign;
  return digit && letter ? kDigitOrLetter : 0;
}

bool MostlyAlike(Texts texts, size_t begin, size_t size) {
  size_t same = 0;
  for (size_t index = 1; index < texts.size(); ++index) {
    for (size_t place = begin; place < begin + size; ++place)
      if (texts[index][place] == texts[index - 1][place]) ++same;
  }
  return static_cast<double>(same) > kMostAlike * static_cast<double>(size * (texts.size() - 1));
}

/// Each lies behind (or each before) the one before it, read from the front or, as counters of letters may
/// run, from the back.
bool InOrder(Texts texts) {
  const auto from_back = [](std::string_view one, std::string_view other) {
    return std::lexicographical_compare(one.rbegin(), one.rend(), other.rbegin(), other.rend());
  };
  const auto turned = [&](std::string_view one, std::string_view other) { return from_back(other, one); };
  return std::is_sorted(texts.begin(), texts.end()) ||
         std::is_sorted(texts.begin(), texts.end(), std::greater<>()) ||
         std::is_sorted(texts.begin(), texts.end(), from_back) ||
         std::is_sorted(texts.begin(), texts.end(), turned);
}

}  // namespace

Draw JudgeTexts(Texts texts) {
  if (texts.empty()) return Draw::List;
  texts = OfOneLength(texts);
  if (texts.size() < 2) return Draw::List;
  const size_t begin = Shared(texts, false);
  const size_t size = texts.front().size() - begin;
  if (size == 0) return Draw::List;
  const size_t varying = size - Shared(texts, true);
  if (varying < kFewestBytes || MostlyAlike(texts, begin, varying)) return Draw::List;
  double bits = static_cast<double>(texts.size() - 1);  // for their equal length
  for (std::string_view text : texts) bits += BitsOfLetters(text.substr(begin, varying));
  for (size_t place = begin; place < begin + varying; ++place) bits += BitsOfPlace(texts, place);
  if (bits <= 0) return Draw::List;
  if (bits < kEnoughBits || texts.size() < kFewestTexts) return Draw::Unclear;
  if (!InOrder(texts)) return Draw::Random;
  return texts.size() < kOrderIsCertain ? Draw::Unclear : Draw::List;
}

}  // namespace imagebatch::hang

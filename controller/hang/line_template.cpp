#include "hang/line_template.h"

#include <algorithm>

#include "hang/line_shape.h"

namespace imagebatch::hang {
namespace {

constexpr size_t kTooFar = SIZE_MAX;

bool IsTokenByte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         byte == '-' || byte == '_' || byte == '.' || byte == '+' || byte == '@' || byte == '~' ||
         (static_cast<unsigned char>(byte) & 0x80) != 0;
}

/// Of lines with so many tokens at most so many may be holes.
size_t MostHoles(size_t tokens) {
  if (tokens < 2) return 0;
  return tokens <= 2 ? 1 : tokens <= 4 ? 2 : 3;
}

std::string_view LastBytes(std::string_view text) {
  if (text.size() > LineTemplates::kTextBytes) text.remove_prefix(text.size() - LineTemplates::kTextBytes);
  return text;
}

}  // namespace

LineTemplates::Line LineTemplates::Cut(std::string_view text) {
  Line line;
  for (size_t at = 0; at < text.size() && line.count < kTokens;) {
    if (const size_t escape = EscapeSize(text.substr(at))) {
      at += escape;
      continue;
    }
    size_t end = at;
    while (end < text.size() && IsTokenByte(text[end])) ++end;
    if (end == at) {
      ++at;
      continue;
    }
    line.tokens[line.count++] = {ShapeOf(text.substr(at, end - at)).words, at, end - at};
    at = end;
  }
  return line;
}

bool LineTemplates::IsHole(const Template& of, size_t token) {
  return std::any_of(of.holes.begin(), of.holes.end(),
                     [token](const Hole& hole) { return hole.token == token; });
}

size_t LineTemplates::Distance(const Template& of, const Line& line) {
  if (of.tokens.size() != line.count) return kTooFar;
  const size_t most = MostHoles(line.count);
  size_t differ = 0;
  bool alike = false;
  for (size_t token = 0; token < line.count; ++token) {
    if (IsHole(of, token)) continue;
    const uint64_t words = line.tokens[token].words;
    if (of.tokens[token].words != words) {
      if (of.holes.size() + ++differ > most) return kTooFar;
    } else if (words != 0) {
      alike = true;
    }
  }
  return alike ? differ : kTooFar;
}

LineTemplates::Template* LineTemplates::Nearest(const Line& line) {
  Template* nearest = nullptr;
  size_t shortest = kTooFar;
  for (Template& each : templates_) {
    const size_t distance = Distance(each, line);
    if (distance == kTooFar) continue;
    if (distance < shortest || (distance == shortest && each.used > nearest->used)) {
      nearest = &each;
      shortest = distance;
    }
  }
  return nearest;
}

void LineTemplates::Start(std::string_view text, const Line& line) {
  Template* place = nullptr;
  if (templates_.size() < kTemplates) {
    place = &templates_.emplace_back();
  } else {
    place =
        &*std::min_element(templates_.begin(), templates_.end(),
                           [](const Template& one, const Template& other) { return one.used < other.used; });
  }
  *place = {std::string(text), {line.tokens.begin(), line.tokens.begin() + line.count}, {}, ++clock_, clock_};
  last_ = clock_;
}

void LineTemplates::Put(Hole& hole, std::string_view text) {
  if (hole.texts.size() == kTexts) hole.texts.erase(hole.texts.begin());
  hole.texts.emplace_back(text);
  const LineShape shape = ShapeOf(text);
  hole.identifiers = hole.identifiers || shape.subject != shape.words;
}

Draw LineTemplates::Fill(Hole& hole, std::string_view text, bool& known) {
  text = LastBytes(text);
  known = std::find(hole.texts.begin(), hole.texts.end(), text) != hole.texts.end();
  if (known) return hole.random ? Draw::Random : Draw::List;
  Put(hole, text);
  std::array<std::string_view, kTexts> texts;
  std::copy(hole.texts.begin(), hole.texts.end(), texts.begin());
  const Draw draw = JudgeTexts({texts.data(), hole.texts.size()});
  // What was drawn often enough may look like a name once.
  const size_t before = hole.texts.size() < 2 ? 0 : hole.texts[hole.texts.size() - 2].size();
  if (hole.random && text.size() == before) return Draw::Random;
  hole.random = draw == Draw::Random;
  // Where identifiers stand, what may be one is one.
  return draw == Draw::Unclear && hole.identifiers ? Draw::Random : draw;
}

LineTemplates::Answer LineTemplates::Add(std::string_view line) {
  last_ = 0;
  if (line.size() > kLineBytes) return Answer::New;
  const Line cut = Cut(line);
  Template* of = Nearest(cut);
  if (of == nullptr) {
    Start(line, cut);
    return Answer::New;
  }
  of->used = ++clock_;
  last_ = of->id;
  for (size_t token = 0; token < cut.count; ++token) {
    if (IsHole(*of, token) || of->tokens[token].words == cut.tokens[token].words) continue;
    const Token& first = of->tokens[token];
    of->holes.push_back({token, false, false, {}});
    Put(of->holes.back(), LastBytes(std::string_view(of->text).substr(first.begin, first.size)));
  }
  bool name = false, unclear = false, random = false, unmasked = false;
  for (Hole& hole : of->holes) {
    const Token& token = cut.tokens[hole.token];
    const bool was_random = hole.random;
    bool known = false;
    const Draw draw = Fill(hole, line.substr(token.begin, token.size), known);
    random = random || draw == Draw::Random;
    if (known) continue;
    name = name || draw == Draw::List;
    unclear = unclear || draw == Draw::Unclear;
    unmasked = unmasked || (hole.random && !was_random);
  }
  if (name || (!unclear && !random)) return Answer::New;
  if (unclear) return Answer::Doubtful;
  return unmasked ? Answer::Unmasked : Answer::Same;
}

}  // namespace imagebatch::hang

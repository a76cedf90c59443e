#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hang/random_text.h"

namespace imagebatch::hang {

/// Tells lines that differ in a few places alone, and whether what stands there says something: in "Setting
/// up NAME" it does, in "cannot write /var/tmp/QZKFWXVBTN, retrying" it does not.
///
/// Lines are cut into tokens (at spaces and at most signs). A line belongs to the template that has as many
/// tokens and differs in the fewest; where they differ is a hole, and what stood in it lately is remembered.
/// (The method is that of Drain: He, Zhu, Zheng, Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth
/// Tree", ICWS 2017.)
///
/// Bounded: kTemplates of at most kTokens tokens; the one that was not used for the longest time goes first.
/// A line of more than kLineBytes is always new.
class LineTemplates {
 public:
  static constexpr size_t kTemplates = 64;
  static constexpr size_t kTokens = 32;
  static constexpr size_t kLineBytes = 512;
  static constexpr size_t kTexts = 8;       // remembered of each hole
  static constexpr size_t kTextBytes = 64;  // the last ones of a longer token

  enum class Answer {
    New,       // it says something
    Doubtful,  // as it looks now, but what stands in its holes may turn out to be drawn at random
    Same,      // it differs from those before it in what is drawn at random, and in nothing else
    Unmasked,  // Same, and this is the first time: the doubtful ones before it said nothing either
  };
  /// The answer for a line that was never there before in these words (see LineShape).
  Answer Add(std::string_view line);
  /// Names the template of the line that was last added; 0: it has none.
  uint64_t Last() const { return last_; }

 private:
  struct Token {
    uint64_t words = 0;  // see LineShape
    size_t begin = 0, size = 0;
  };
  struct Line {
    std::array<Token, kTokens> tokens;
    size_t count = 0;
  };
  struct Hole {
    size_t token = 0;
    bool random = false;
    bool identifiers = false;        // one of them was one by its looks (see LineShape)
    std::vector<std::string> texts;  // different ones, oldest first
  };
  struct Template {
    std::string text;
    std::vector<Token> tokens;
    std::vector<Hole> holes;
    uint64_t used = 0;
    uint64_t id = 0;
  };
  static Line Cut(std::string_view text);
  static bool IsHole(const Template& of, size_t token);
  /// In how many tokens that are no holes yet they differ; nothing in common: more than are allowed.
  static size_t Distance(const Template& of, const Line& line);
  Template* Nearest(const Line& line);
  void Start(std::string_view text, const Line& line);
  static void Put(Hole& hole, std::string_view text);
  static Draw Fill(Hole& hole, std::string_view text, bool& known);

  std::vector<Template> templates_;
  uint64_t clock_ = 0;
  uint64_t last_ = 0;
};

}  // namespace imagebatch::hang

#include "batch/references.h"

#include <gtest/gtest.h>

namespace imagebatch::batch {
namespace {

/// The cases of k8s.io/kubernetes/third_party/forked/golang/expansion, and a few of ours. Names become
/// <name>.
struct Case {
  const char* name;
  const char* text;
  const char* single;  // what $$ -> $ makes of it
  const char* kept;    // what is left for the kubelet
};

class References : public testing::TestWithParam<Case> {};

TEST_P(References, AreReplacedAsKubernetesDoes) {
  const auto substitute = [](std::string_view text, Dollars dollars) {
    std::string value;
    return Substitute(text, dollars, [&](std::string_view name) {
      value = "<" + std::string(name) + ">";
      return std::string_view(value);
    });
  };
  EXPECT_EQ(substitute(GetParam().text, Dollars::Single), GetParam().single);
  EXPECT_EQ(substitute(GetParam().text, Dollars::Kept), GetParam().kept);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, References,
    testing::Values(
        Case{"Empty", "", "", ""}, Case{"Literal", "plain", "plain", "plain"},
        Case{"Whole", "$(A)", "<A>", "<A>"}, Case{"Several", "-$(A)_$(B)-", "-<A>_<B>-", "-<A>_<B>-"},
        Case{"Adjacent", "$(A)$(B)", "<A><B>", "<A><B>"}, Case{"Escaped", "$$(A)", "$(A)", "$$(A)"},
        Case{"EscapedTwice", "$$$$(A)", "$$(A)", "$$$$(A)"},
        Case{"EscapedThenReplaced", "$$$(A)", "$<A>", "$$<A>"},
        Case{"OtherBracket", "${A} $A", "${A} $A", "${A} $A"}, Case{"Unclosed", "$(A", "$(A", "$(A"},
        Case{"UnclosedThenEscaped", "$(A $$", "$(A $", "$(A $$"},
        Case{"Nested", "$($(A))", "<$(A>)", "<$$(A>)"}, Case{"EmptyName", "$()", "<>", "<>"},
        Case{"TrailingDollar", "a$", "a$", "a$"}, Case{"TrailingDollars", "a$$", "a$", "a$$"},
        Case{"OperatorThenText", "$A$(B)", "$A<B>", "$A<B>"},
        Case{"Shell", "x=$(date +%s)", "x=<date +%s>", "x=<date +%s>"}),
    [](const auto& test) { return test.param.name; });

TEST(ReferencesInValues, AreNotReplacedAgain) {
  const auto value = [](std::string_view) { return std::string_view("$(B)$$"); };
  EXPECT_EQ(Substitute("$(A)", Dollars::Single, value), "$(B)$$");
}

TEST(ReferencesInValues, StayWhereThereIsNoValue) {
  const auto value = [](std::string_view name) -> std::optional<std::string_view> {
    if (name == "A") return "$a";
    return std::nullopt;
  };
  EXPECT_EQ(Substitute("$(A)-$(B)$$(C)$$$(B)", Dollars::Kept, value), "$$a-$(B)$$(C)$$$(B)");
}

TEST(ReferencesInValues, SurviveTheKubeletsOwnPass) {
  const auto value = [](std::string_view) { return std::string_view("a$(B)$$c$"); };
  const std::string for_kubelet = Substitute("$(A)", Dollars::Kept, value);
  EXPECT_EQ(for_kubelet, "a$$(B)$$$$c$$");
  EXPECT_EQ(
      Substitute(for_kubelet, Dollars::Single, [](std::string_view) { return std::string_view("WRONG"); }),
      "a$(B)$$c$");
}

}  // namespace
}  // namespace imagebatch::batch

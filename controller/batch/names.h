#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "batch/types.h"

namespace imagebatch::batch {

/// What the name in a `$(...)` stands for within a stage.
///   $(name)              the row's name            $(row.x)  the row's column x, whatever else is called x
///   $(key), $(image)     of the build itself       $(x)      the row's column x or the variable x
///   $(stages.x.image)    the image of the needed stage x
/// The names of the first column always mean that: a column of the same name is reached as $(row.name).
struct Name {
  enum class Kind { RowName, Key, Image, NeedImage, Column, ColumnOrVariable };
  Kind kind = Kind::ColumnOrVariable;
  std::string text;  // the needed stage, or the column or variable
};

Name ClassifyName(std::string_view name);

/// Names and keys of builds stand in annotations, results and metrics: 1 to 253 bytes, all printable. Says
/// what is wrong, nothing where all is well.
std::string BuildNameProblem(std::string_view text);

/// "stage/name", and the way back: nothing where the text is no such name, or one that no build can have.
std::string ToString(const BuildName& build);
std::optional<BuildName> ParseBuildName(std::string_view text);

/// [A-Za-z_][A-Za-z0-9_.-]*, at most 253 bytes: what a column or a variable may be called.
bool IsColumnName(std::string_view name);
/// True of names a variable must not take, because they mean something of their own.
bool IsReservedName(std::string_view name);

/// A DNS label (RFC 1123): [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most `max` bytes.
bool IsDnsLabel(std::string_view text, size_t max);
/// DNS labels with dots between, at most 253 bytes: the name of an object.
bool IsDnsSubdomain(std::string_view text);

/// Where a reference stands; each place knows the names of the ones before it.
enum class Field { NameFrom, Key, Image, Template };

/// What is wrong with `$(name)` in this field whatever the rows are: not a name at all, a stage that is not
/// needed, a value that is not known yet. Empty where nothing is.
std::string ReferenceProblem(const Stage* stage, Field field, std::string_view name);

}  // namespace imagebatch::batch

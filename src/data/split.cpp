// SPDX-License-Identifier: Apache-2.0
#include "siren/data/split.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/core/rng.hpp"

namespace siren {
namespace {

struct MethodName {
  SplitMethod method;
  std::string_view name;
};
constexpr std::array kMethodNames = {
    MethodName{SplitMethod::kFiles, "files"},
    MethodName{SplitMethod::kRandom, "random"},
    MethodName{SplitMethod::kKfold, "kfold"},
    MethodName{SplitMethod::kTemporal, "temporal"},
    MethodName{SplitMethod::kLeaveOneOut, "leave-one-out"},
    MethodName{SplitMethod::kNone, "none"},
};

/// Last counter word of the draws below: what they decide.
enum Draw : std::uint32_t { kPartDraw = 0, kValidationDraw = 1 };

std::uint64_t part_key(std::uint32_t seed, UserId user, ItemId item) {
  const RandomBlock bits =
      random_block(seed, Purpose::kSplit, {low_word(user), low_word(item), 0, kPartDraw});
  return (std::uint64_t{bits[1]} << 32) | bits[0];
}

/// What ratings are lined up by: the time or, without, a draw. Ascending = older first.
class Ordering {
 public:
  Ordering(const RatingTable& table, std::uint32_t seed, bool by_time)
      : table_(table), seed_(seed), by_time_(by_time) {}

  /// Rows [begin, end); equal keys by row, that is by (user, item).
  std::vector<EdgeOffset> line_up(EdgeOffset begin, EdgeOffset end) const {
    struct Keyed {
      std::uint64_t key;
      EdgeOffset row;
    };
    std::vector<Keyed> keyed(static_cast<std::size_t>(end - begin));
    for (EdgeOffset row = begin; row < end; ++row)
      keyed[static_cast<std::size_t>(row - begin)] = {key(static_cast<std::size_t>(row)), row};
    std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
      return a.key != b.key ? a.key < b.key : a.row < b.row;
    });
    std::vector<EdgeOffset> order(keyed.size());
    std::transform(keyed.begin(), keyed.end(), order.begin(), [](const Keyed& k) { return k.row; });
    return order;
  }
  std::vector<EdgeOffset> line_up_all() const { return line_up(0, table_.size()); }

 private:
  std::uint64_t key(std::size_t row) const {
    constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
    if (by_time_) return static_cast<std::uint64_t>(table_.timestamp[row]) ^ kSignBit;
    return part_key(seed_, table_.user[row], table_.item[row]);
  }

  const RatingTable& table_;
  std::uint32_t seed_;
  bool by_time_;
};

/// The last `test` of the lined-up rows test, the `valid` before them validate, the rest trains.
void cut(RatingTable& table,
         const std::vector<EdgeOffset>& order,
         EdgeOffset valid,
         EdgeOffset test) {
  const auto rows = static_cast<EdgeOffset>(order.size());
  for (EdgeOffset at = 0; at < rows; ++at) {
    const std::uint8_t part = at >= rows - test           ? kTestPart
                              : at >= rows - test - valid ? kValidPart
                                                          : kTrainPart;
    table.part[static_cast<std::size_t>(order[static_cast<std::size_t>(at)])] = part;
  }
}

EdgeOffset share_of(double share, EdgeOffset count) {
  return static_cast<EdgeOffset>(std::llround(share * static_cast<double>(count)));
}

void assign_folds(RatingTable& table, const SplitConfig& config) {
  if (table.size() < config.folds)
    throw InputError(
        fmt::format("--folds {}: there are only {} ratings", config.folds, table.size()));
  const auto order = Ordering(table, config.seed, false).line_up_all();
  for (std::size_t at = 0; at < order.size(); ++at)
    table.part[static_cast<std::size_t>(order[at])] =
        static_cast<std::uint8_t>(1 + at * static_cast<std::size_t>(config.folds) / order.size());
}

/// Nothing tests.
void cut_validation(RatingTable& table, const SplitConfig& config) {
  const EdgeOffset valid = share_of(config.valid_share, table.size());
  if (valid == table.size() || (config.valid_share > 0.0 && valid == 0))
    throw InputError(fmt::format("{} ratings are too few for --valid-share {}", table.size(),
                                 config.valid_share));
  cut(table, Ordering(table, config.seed, false).line_up_all(), valid, 0);
}

void cut_whole(RatingTable& table, const SplitConfig& config, bool by_time) {
  const EdgeOffset test = share_of(config.test_share, table.size());
  const EdgeOffset valid = share_of(config.valid_share, table.size());
  if (test == 0 || table.size() - test - valid <= 0 || (config.valid_share > 0.0 && valid == 0))
    throw InputError(fmt::format("{} ratings are too few for --test-share {} and --valid-share {}",
                                 table.size(), config.test_share, config.valid_share));
  cut(table, Ordering(table, config.seed, by_time).line_up_all(), valid, test);
}

/// Calls cut() for the rows of each user, who form one run in the table.
template <class Counts>
void cut_each_user(RatingTable& table, const Ordering& ordering, Counts&& counts) {
  for (EdgeOffset begin = 0, end; begin < table.size(); begin = end) {
    const UserId user = table.user[static_cast<std::size_t>(begin)];
    for (end = begin; end < table.size() && table.user[static_cast<std::size_t>(end)] == user;)
      ++end;
    const auto [valid, test] = counts(end - begin);
    cut(table, ordering.line_up(begin, end), valid, test);
  }
}

struct HeldOut {
  EdgeOffset valid;
  EdgeOffset test;
};

void assign_by_method(RatingTable& table, const SplitConfig& config) {
  const bool timed = table.has_timestamps();
  if (config.method == SplitMethod::kTemporal && !timed)
    throw InputError("--split temporal needs times: name their column as the fourth of --columns");
  if (config.method == SplitMethod::kNone) {
    cut_validation(table, config);
  } else if (config.method == SplitMethod::kLeaveOneOut) {
    cut_each_user(table, Ordering(table, config.seed, timed), [](EdgeOffset ratings) {
      return HeldOut{ratings >= 3 ? 1 : 0, ratings >= 2 ? 1 : 0};
    });
  } else if (config.method == SplitMethod::kTemporal && config.cut_per_user) {
    cut_each_user(table, Ordering(table, config.seed, true), [&](EdgeOffset ratings) {
      const auto share = [&](double x) {
        return static_cast<EdgeOffset>(std::floor(x * static_cast<double>(ratings)));
      };
      return HeldOut{share(config.valid_share), share(config.test_share)};
    });
  } else {
    cut_whole(table, config, config.method == SplitMethod::kTemporal);
  }
}

void hold_out_of_train_file(RatingTable& table, const SplitConfig& config) {
  constexpr std::int32_t kOnlyFold = 1;
  for (std::size_t row = 0; row < table.user.size(); ++row)
    if (table.part[row] == kTrainPart &&
        is_validation(config.seed, config.valid_share, kOnlyFold, table.user[row], table.item[row]))
      table.part[row] = kValidPart;
}

}  // namespace

bool is_validation(std::uint32_t seed, double share, std::int32_t fold, UserId user, ItemId item) {
  const RandomBlock bits = random_block(
      seed, Purpose::kSplit, {low_word(user), low_word(item), low_word(fold), kValidationDraw});
  return open_unit(bits[0]) < share;
}

SplitScheme assign_parts(RatingTable& table, const SplitConfig& config, SplitKind kind_of_files) {
  SplitScheme scheme;
  scheme.seed = config.seed;
  const bool from_files = config.method == SplitMethod::kFiles;
  scheme.kind = from_files                             ? kind_of_files
                : config.method == SplitMethod::kKfold ? SplitKind::kFolds
                                                       : SplitKind::kParts;
  if (scheme.kind == SplitKind::kFolds) {
    scheme.folds = config.folds;
    scheme.valid_share = config.valid_share;
    if (!from_files) assign_folds(table, config);
  } else if (!from_files) {
    assign_by_method(table, config);
  } else if (config.valid_share > 0.0) {
    hold_out_of_train_file(table, config);
  }
  return scheme;
}

std::string_view name_of(SplitMethod method) {
  return std::find_if(kMethodNames.begin(), kMethodNames.end(),
                      [&](const MethodName& entry) { return entry.method == method; })
      ->name;
}

std::string_view name_of(SplitKind kind) {
  return kind == SplitKind::kFolds ? "folds" : "parts";
}

std::optional<SplitMethod> split_method_from(std::string_view name) {
  for (const MethodName& entry : kMethodNames)
    if (entry.name == name && entry.method != SplitMethod::kFiles) return entry.method;
  return std::nullopt;
}

}  // namespace siren

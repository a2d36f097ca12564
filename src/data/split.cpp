// SPDX-License-Identifier: Apache-2.0
#include "data/split.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "core/rng.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline data {
namespace {

/// Last counter word of the draws below: what they decide.
enum Draw : std::uint32_t { kPartDraw = 0, kValidationDraw = 1 };

std::uint64_t part_key(std::uint32_t seed, UserId user, ItemId item) {
  const RandomBlock bits =
      random_block(seed, Purpose::kSplit, {low_word(user), low_word(item), 0, kPartDraw});
  return (std::uint64_t{bits[1]} << 32) | bits[0];
}

struct HeldOut {
  EdgeOffset valid;
  EdgeOffset test;
};

/// Lines ratings up, older first, and cuts where they become validation and test ratings.
class Cutter {
 public:
  Cutter(RatingTable& table, RatingOrder order, std::uint32_t seed)
      : table_(table), order_(order), seed_(seed) {
    report_.order = order;
  }

  /// Rows [begin, end). Equal times are in the order of the draw. Two equal draws of 64 bits are in
  /// that of the rows, a rule that hardly anybody meets: some 4 billion ratings hold one such pair.
  std::vector<EdgeOffset> line_up(EdgeOffset begin, EdgeOffset end) const {
    std::vector<Keyed> keyed(static_cast<std::size_t>(end - begin));
    for (EdgeOffset row = begin; row < end; ++row)
      keyed[static_cast<std::size_t>(row - begin)] = keyed_row(row);
    std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
      return std::tie(a.position, a.draw, a.row) < std::tie(b.position, b.draw, b.row);
    });
    std::vector<EdgeOffset> order(keyed.size());
    std::transform(keyed.begin(), keyed.end(), order.begin(), [](const Keyed& k) { return k.row; });
    return order;
  }

  /// Of rows [begin, end) the last test, those before them validate, the rest trains.
  void cut(EdgeOffset begin, EdgeOffset end, HeldOut held_out) {
    const std::vector<EdgeOffset> order = line_up(begin, end);
    const auto first_test = order.size() - static_cast<std::size_t>(held_out.test);
    const auto first_valid = first_test - static_cast<std::size_t>(held_out.valid);
    for (std::size_t at = 0; at < order.size(); ++at)
      table_.part[static_cast<std::size_t>(order[at])] = at >= first_test    ? kTestPart
                                                         : at >= first_valid ? kValidPart
                                                                             : kTrainPart;
    report_.tied_test += is_tied(order, first_test) ? 1 : 0;
    if (first_valid != first_test) report_.tied_valid += is_tied(order, first_valid) ? 1 : 0;
  }

  const SplitReport& report() const { return report_; }

 private:
  struct Keyed {
    std::int64_t position;
    std::uint64_t draw;
    EdgeOffset row;
  };

  Keyed keyed_row(EdgeOffset row) const {
    const auto at = static_cast<std::size_t>(row);
    const std::int64_t position = order_ == RatingOrder::kTime   ? table_.timestamp[at]
                                  : order_ == RatingOrder::kFile ? table_.place[at]
                                                                 : 0;
    return {position, part_key(seed_, table_.user[at], table_.item[at]), row};
  }

  /// The rows before and behind a cut have the same time.
  bool is_tied(const std::vector<EdgeOffset>& order, std::size_t cut) const {
    if (order_ != RatingOrder::kTime || cut == 0 || cut == order.size()) return false;
    return table_.timestamp[static_cast<std::size_t>(order[cut - 1])] ==
           table_.timestamp[static_cast<std::size_t>(order[cut])];
  }

  RatingTable& table_;
  RatingOrder order_;
  std::uint32_t seed_;
  SplitReport report_;
};

EdgeOffset share_of(double share, EdgeOffset count) {
  return static_cast<EdgeOffset>(std::llround(share * static_cast<double>(count)));
}

void assign_folds(RatingTable& table, const SplitConfig& config) {
  if (table.size() < config.folds)
    throw InputError(
        fmt::format("--folds {}: there are only {} ratings", config.folds, table.size()));
  const auto order = Cutter(table, RatingOrder::kRandom, config.seed).line_up(0, table.size());
  for (std::size_t at = 0; at < order.size(); ++at)
    table.part[static_cast<std::size_t>(order[at])] =
        static_cast<std::uint8_t>(1 + at * static_cast<std::size_t>(config.folds) / order.size());
}

/// Nothing tests.
void cut_validation(Cutter& cutter, const RatingTable& table, const SplitConfig& config) {
  const EdgeOffset valid = share_of(config.valid_share, table.size());
  if (valid == table.size() || (config.valid_share > 0.0 && valid == 0))
    throw InputError(fmt::format("{} ratings are too few for --valid-share {}", table.size(),
                                 config.valid_share));
  cutter.cut(0, table.size(), {valid, 0});
}

void cut_whole(Cutter& cutter, const RatingTable& table, const SplitConfig& config) {
  const EdgeOffset test = share_of(config.test_share, table.size());
  const EdgeOffset valid = share_of(config.valid_share, table.size());
  if (test == 0 || table.size() - test - valid <= 0 || (config.valid_share > 0.0 && valid == 0))
    throw InputError(fmt::format("{} ratings are too few for --test-share {} and --valid-share {}",
                                 table.size(), config.test_share, config.valid_share));
  cutter.cut(0, table.size(), {valid, test});
}

/// Calls cut() for the rows of each user, who form one run in the table.
template <class Counts>
void cut_each_user(Cutter& cutter, const RatingTable& table, Counts&& counts) {
  for (EdgeOffset begin = 0, end; begin < table.size(); begin = end) {
    const UserId user = table.user[static_cast<std::size_t>(begin)];
    for (end = begin; end < table.size() && table.user[static_cast<std::size_t>(end)] == user;)
      ++end;
    cutter.cut(begin, end, counts(end - begin));
  }
}

bool is_drawn(SplitMethod method) {
  return method == SplitMethod::kRandom || method == SplitMethod::kNone;
}

RatingOrder order_of(const RatingTable& table, const SplitConfig& config) {
  const bool by_time = config.method == SplitMethod::kTemporal || table.has_timestamps();
  const RatingOrder order =
      is_drawn(config.method)
          ? RatingOrder::kRandom
          : config.order.value_or(by_time ? RatingOrder::kTime : RatingOrder::kRandom);
  if (order == RatingOrder::kTime && !table.has_timestamps())
    throw InputError(
        fmt::format("--split {} needs times: name their column as the fourth of --columns, or take "
                    "the order of the lines with --order file",
                    name_of(config.method)));
  SIREN_ASSERT(order != RatingOrder::kFile || table.place.size() == table.user.size(),
               "{} places for {} ratings", table.place.size(), table.size());
  return order;
}

SplitReport assign_by_method(RatingTable& table, const SplitConfig& config) {
  Cutter cutter(table, order_of(table, config), config.seed);
  if (config.method == SplitMethod::kNone) {
    cut_validation(cutter, table, config);
  } else if (config.method == SplitMethod::kLeaveOneOut) {
    cut_each_user(cutter, table, [](EdgeOffset ratings) {
      return HeldOut{ratings >= 3 ? 1 : 0, ratings >= 2 ? 1 : 0};
    });
  } else if (config.method == SplitMethod::kTemporal && config.cut_per_user) {
    cut_each_user(cutter, table, [&](EdgeOffset ratings) {
      const auto share = [&](double x) {
        return static_cast<EdgeOffset>(std::floor(x * static_cast<double>(ratings)));
      };
      return HeldOut{share(config.valid_share), share(config.test_share)};
    });
  } else {
    cut_whole(cutter, table, config);
  }
  SplitReport report = cutter.report();
  if (is_drawn(config.method)) report.order.reset();
  report.per_user = config.method == SplitMethod::kLeaveOneOut || config.cut_per_user;
  return report;
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

SplitScheme assign_parts(RatingTable& table, const SplitConfig& config, SplitKind kind_of_files,
                         SplitReport* report) {
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
    const SplitReport made = assign_by_method(table, config);
    if (report != nullptr) *report = made;
  } else if (config.valid_share > 0.0) {
    hold_out_of_train_file(table, config);
  }
  return scheme;
}

}  // namespace siren::inline data

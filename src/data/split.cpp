// SPDX-License-Identifier: Apache-2.0
#include "data/split.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "core/rng.hpp"
#include "data/id_share.hpp"
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

/// A rating in the line, older first; equal times are in the order of the draw. Two equal draws of
/// 64 bits are in that of the rows, a rule that hardly anybody meets: some 4 billion ratings hold
/// one such pair.
struct Keyed {
  std::int64_t position;
  std::uint64_t draw;
  EdgeOffset row;

  bool operator<(const Keyed& other) const {
    return std::tie(position, draw, row) < std::tie(other.position, other.draw, other.row);
  }
};

/// Puts ratings in line and cuts where they become validation and test ratings.
class Cutter {
 public:
  Cutter(RatingTable& table, RatingOrder order, std::uint32_t seed)
      : table_(table), order_(order), seed_(seed) {
    report_.order = order;
  }

  /// Rows [begin, end).
  std::vector<Keyed> line_up(EdgeOffset begin, EdgeOffset end) const {
    std::vector<Keyed> line(static_cast<std::size_t>(end - begin));
    for (EdgeOffset row = begin; row < end; ++row)
      line[static_cast<std::size_t>(row - begin)] = keyed_row(row);
    std::sort(line.begin(), line.end());
    return line;
  }
  std::vector<Keyed> line_up() const { return line_up(0, table_.size()); }

  /// Of rows [begin, end) the last test, those before them validate, the rest trains.
  void cut(EdgeOffset begin, EdgeOffset end, HeldOut held_out) {
    const std::vector<Keyed> line = line_up(begin, end);
    const auto first_test = line.size() - static_cast<std::size_t>(held_out.test);
    const auto first_valid = first_test - static_cast<std::size_t>(held_out.valid);
    assign(line, first_valid, first_test);
    report_.tied_test += is_tied(line, first_test) ? 1 : 0;
    if (first_valid != first_test) report_.tied_valid += is_tied(line, first_valid) ? 1 : 0;
  }

  /// Likewise of all rows of all ranks, `total` of them. Collective.
  void cut_all(const Communicator& comm, EdgeOffset total, HeldOut held_out) {
    const std::vector<Keyed> line = line_up();
    const EdgeOffset first_test = total - held_out.test;
    const std::array<EdgeOffset, 2> wanted = {first_test - held_out.valid, first_test};
    const std::vector<EdgeOffset> cuts = cut_together(comm, line, wanted);
    assign(line, as_index(cuts[0]), as_index(cuts[1]));
    const bool valid = held_out.valid > 0;
    report_.tied_test += is_tied(comm, line, cuts[1]) ? 1 : 0;
    if (valid) report_.tied_valid += is_tied(comm, line, cuts[0]) ? 1 : 0;
  }

  const SplitReport& report() const { return report_; }

  /// How many rows of this rank's line are among the first `wanted` of all ranks' lines, for each of
  /// these numbers. Equal keys count rank by rank. Collective.
  static std::vector<EdgeOffset> cut_together(const Communicator& comm,
                                              const std::vector<Keyed>& line,
                                              std::span<const EdgeOffset> wanted);

 private:
  Keyed keyed_row(EdgeOffset row) const {
    const auto at = static_cast<std::size_t>(row);
    const std::int64_t position = order_ == RatingOrder::kTime   ? table_.timestamp[at]
                                  : order_ == RatingOrder::kFile ? table_.place[at]
                                                                 : 0;
    return {position, part_key(seed_, table_.user[at], table_.item[at]), row};
  }

  void assign(const std::vector<Keyed>& line, std::size_t first_valid, std::size_t first_test) {
    for (std::size_t at = 0; at < line.size(); ++at)
      table_.part[as_index(line[at].row)] = at >= first_test    ? kTestPart
                                            : at >= first_valid ? kValidPart
                                                                : kTrainPart;
  }

  /// The rows before and behind a cut have the same time.
  bool is_tied(const std::vector<Keyed>& line, std::size_t cut) const {
    if (order_ != RatingOrder::kTime || cut == 0 || cut == line.size()) return false;
    return line[cut - 1].position == line[cut].position;
  }
  bool is_tied(const Communicator& comm, const std::vector<Keyed>& line, EdgeOffset cut) const {
    if (order_ != RatingOrder::kTime) return false;
    using Time = std::numeric_limits<std::int64_t>;
    const auto at = as_index(cut);
    const std::int64_t before =
        comm.all_reduce(at > 0 ? line[at - 1].position : Time::min(), Reduction::kMax);
    const std::int64_t behind =
        comm.all_reduce(at < line.size() ? line[at].position : Time::max(), Reduction::kMin);
    return before == behind;
  }

  RatingTable& table_;
  RatingOrder order_;
  std::uint32_t seed_;
  SplitReport report_;
};

/// A key of 128 bits whose order is that of the numbers: position, then draw.
struct Key {
  std::uint64_t position;
  std::uint64_t draw;

  static Key of(const Keyed& row) {
    constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
    return {static_cast<std::uint64_t>(row.position) ^ kSign, row.draw};
  }
  bool operator==(const Key&) const = default;
  bool operator<(const Key& other) const {
    return std::tie(position, draw) < std::tie(other.position, other.draw);
  }
};

/// Finds each key bit by bit, from the highest: of those keys that share the bits found so far, are
/// there enough with a zero?
std::vector<EdgeOffset> Cutter::cut_together(const Communicator& comm,
                                             const std::vector<Keyed>& line,
                                             std::span<const EdgeOffset> wanted) {
  std::vector<EdgeOffset> cuts(wanted.begin(), wanted.end());
  if (comm.size() == 1) return cuts;
  const auto below = [&](const Key& key) {
    return std::lower_bound(line.begin(), line.end(), key,
                            [](const Keyed& row, const Key& k) { return Key::of(row) < k; }) -
           line.begin();
  };
  std::vector<Key> found(wanted.size(), Key{0, 0});  // the largest with no more than `wanted` below
  std::vector<EdgeOffset> counts(wanted.size());
  for (int bit = 127; bit >= 0; --bit) {
    const auto tried = [&](Key key) {
      (bit >= 64 ? key.position : key.draw) |= std::uint64_t{1} << (bit % 64);
      return key;
    };
    for (std::size_t c = 0; c < wanted.size(); ++c) counts[c] = below(tried(found[c]));
    comm.all_reduce(std::span<EdgeOffset>(counts), Reduction::kSum);
    for (std::size_t c = 0; c < wanted.size(); ++c)
      if (counts[c] <= wanted[c]) found[c] = tried(found[c]);
  }
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    const EdgeOffset begin = below(found[c]);
    EdgeOffset end = begin;
    while (end < std::ssize(line) && Key::of(line[as_index(end)]) == found[c]) ++end;
    const EdgeOffset missing = wanted[c] - comm.all_reduce(begin, Reduction::kSum);
    const EdgeOffset before = sum_before(comm, end - begin);
    cuts[c] = begin + std::clamp<EdgeOffset>(missing - before, 0, end - begin);
  }
  return cuts;
}

EdgeOffset share_of(double share, EdgeOffset count) {
  return static_cast<EdgeOffset>(std::llround(share * static_cast<double>(count)));
}

void assign_folds(const Communicator& comm, RatingTable& table, EdgeOffset total,
                  const SplitConfig& config) {
  if (total < config.folds)
    throw InputError(fmt::format("--folds {}: there are only {} ratings", config.folds, total));
  const auto line = Cutter(table, RatingOrder::kRandom, config.seed).line_up();
  // Fold k holds the places p of the line with floor(p folds / total) = k - 1.
  std::vector<EdgeOffset> ends;
  for (std::int32_t fold = 1; fold <= config.folds; ++fold)
    ends.push_back((fold * total + config.folds - 1) / config.folds);
  const std::vector<EdgeOffset> cuts = Cutter::cut_together(comm, line, ends);
  std::size_t fold = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    while (static_cast<EdgeOffset>(at) >= cuts[fold]) ++fold;
    table.part[as_index(line[at].row)] = static_cast<std::uint8_t>(1 + fold);
  }
}

/// Nothing tests.
void cut_validation(const Communicator& comm, Cutter& cutter, EdgeOffset total,
                    const SplitConfig& config) {
  const EdgeOffset valid = share_of(config.valid_share, total);
  if (valid == total || (config.valid_share > 0.0 && valid == 0))
    throw InputError(
        fmt::format("{} ratings are too few for --valid-share {}", total, config.valid_share));
  cutter.cut_all(comm, total, {valid, 0});
}

void cut_whole(const Communicator& comm, Cutter& cutter, EdgeOffset total,
               const SplitConfig& config) {
  const EdgeOffset test = share_of(config.test_share, total);
  const EdgeOffset valid = share_of(config.valid_share, total);
  if (test == 0 || total - test - valid <= 0 || (config.valid_share > 0.0 && valid == 0))
    throw InputError(fmt::format("{} ratings are too few for --test-share {} and --valid-share {}",
                                 total, config.test_share, config.valid_share));
  cutter.cut_all(comm, total, {valid, test});
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

/// `timed`: of any rank, for one without ratings has no times.
RatingOrder order_of(const RatingTable& table, bool timed, const SplitConfig& config) {
  const bool by_time = config.method == SplitMethod::kTemporal || timed;
  const RatingOrder order =
      is_drawn(config.method)
          ? RatingOrder::kRandom
          : config.order.value_or(by_time ? RatingOrder::kTime : RatingOrder::kRandom);
  if (order == RatingOrder::kTime && !timed)
    throw InputError(
        fmt::format("--split {} needs times: name their column as the fourth of --columns, or take "
                    "the order of the lines with --order file",
                    name_of(config.method)));
  SIREN_ASSERT(order != RatingOrder::kFile || table.place.size() == table.user.size(),
               "{} places for {} ratings", table.place.size(), table.size());
  return order;
}

SplitReport assign_by_method(const Communicator& comm, RatingTable& table, EdgeOffset total,
                             const SplitConfig& config) {
  const bool timed = comm.all_reduce(std::int32_t{table.has_timestamps()}, Reduction::kMax) != 0;
  Cutter cutter(table, order_of(table, timed, config), config.seed);
  const bool per_user = config.method == SplitMethod::kLeaveOneOut || config.cut_per_user;
  if (config.method == SplitMethod::kNone) {
    cut_validation(comm, cutter, total, config);
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
    cut_whole(comm, cutter, total, config);
  }
  SplitReport report = cutter.report();
  if (is_drawn(config.method)) report.order.reset();
  report.per_user = per_user;
  if (per_user) {
    report.tied_test = comm.all_reduce(report.tied_test, Reduction::kSum);
    report.tied_valid = comm.all_reduce(report.tied_valid, Reduction::kSum);
  }
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

SplitScheme assign_parts(const Communicator& comm, RatingTable& table, const SplitConfig& config,
                         SplitKind kind_of_files, SplitReport* report) {
  const EdgeOffset total = comm.all_reduce(table.size(), Reduction::kSum);
  SplitScheme scheme;
  scheme.seed = config.seed;
  const bool from_files = config.method == SplitMethod::kFiles;
  scheme.kind = from_files                             ? kind_of_files
                : config.method == SplitMethod::kKfold ? SplitKind::kFolds
                                                       : SplitKind::kParts;
  if (scheme.kind == SplitKind::kFolds) {
    scheme.folds = config.folds;
    scheme.valid_share = config.valid_share;
    if (!from_files) assign_folds(comm, table, total, config);
  } else if (!from_files) {
    const SplitReport made = assign_by_method(comm, table, total, config);
    if (report != nullptr) *report = made;
  } else if (config.valid_share > 0.0) {
    hold_out_of_train_file(table, config);
  }
  return scheme;
}

}  // namespace siren::inline data

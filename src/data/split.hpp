// SPDX-License-Identifier: Apache-2.0
// Which ratings train, validate and test. Every rating carries one part number; what it means
// depends on the kind of the data set:
//
//   kFolds   part = 1..F. Training fold k tests on part k and trains on all others; a validation
//            share may be held out of those, anew for each fold, by a keyed draw per rating.
//   kParts   part = 0 train, 1 validation, 2 test. There is one fold, number 1.
//
// In fold 0 of either kind every rating trains: for a final model, which nothing is left to test.
//
// Everything here is a pure function of the seed, the (user, item) indices and, where they order
// ratings, of times or places in the input. Equal times are ordered by the draw that orders a random
// split, so that no numbering decides what tests.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/rating_table.hpp"
#include "siren/communicator.hpp"
#include "siren/ids.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline data {

enum class SplitKind : std::uint8_t { kParts = 0, kFolds = 1 };
constexpr std::array<std::string_view, 2> enum_names(SplitKind) {
  return {"parts", "folds"};
}
enum class Role : std::uint8_t { kTrain = 0, kValid = 1, kTest = 2 };

inline constexpr std::uint8_t kTrainPart = 0;
inline constexpr std::uint8_t kValidPart = 1;
inline constexpr std::uint8_t kTestPart = 2;
inline constexpr std::int32_t kMaxFolds = 255;
inline constexpr std::int32_t kWholeFold = 0;  // every rating trains

/// How the part numbers of a data set are read.
struct SplitScheme {
  SplitKind kind = SplitKind::kParts;
  std::int32_t folds = 1;    // F for kFolds, 1 for kParts
  double valid_share = 0.0;  // kFolds only: share of a fold's train part that validates, in [0, 1)
  std::uint32_t seed = 1;

  /// Fold 0 is always there, but tests nothing.
  bool has_fold(std::int32_t fold) const { return fold >= kWholeFold && fold <= folds; }
  /// Smallest and largest part number a rating may carry.
  std::uint8_t first_part() const { return kind == SplitKind::kFolds ? 1 : kTrainPart; }
  std::uint8_t last_part() const {
    return kind == SplitKind::kFolds ? static_cast<std::uint8_t>(folds) : kTestPart;
  }
};

/// True for the candidates that validate in `fold`: a draw keyed by all arguments falls below
/// `share`.
bool is_validation(std::uint32_t seed, double share, std::int32_t fold, UserId user, ItemId item);

/// The role of one rating when training `fold` (0..split.folds).
inline Role role_of(std::uint8_t part, const SplitScheme& split, std::int32_t fold, UserId user,
                    ItemId item) {
  if (fold == kWholeFold) return Role::kTrain;
  if (split.kind == SplitKind::kParts) return static_cast<Role>(part);
  if (part == fold) return Role::kTest;
  if (split.valid_share <= 0.0) return Role::kTrain;
  return is_validation(split.seed, split.valid_share, fold, user, item) ? Role::kValid
                                                                        : Role::kTrain;
}

/// How `prepare` assigns parts.
///   kFiles        given by the input files; nothing is drawn, except that a validation share may
///   be
///                 taken out of a train file
///   kRandom       test and validation shares of all ratings, drawn at random, exact to one rating
///   kKfold        F parts of equal size (to one rating), drawn at random
///   kTemporal     the newest ratings test, the ones before validate; cut per data set or per user
///   kLeaveOneOut  each user's newest rating tests, the one before validates; a user keeps at least
///                 one rating to train on
///   kNone         nothing tests: all ratings train but for a validation share, drawn as by kRandom
enum class SplitMethod : std::uint8_t { kKfold, kRandom, kTemporal, kLeaveOneOut, kNone, kFiles };
constexpr std::array<std::string_view, 6> enum_names(SplitMethod) {
  return {"kfold", "random", "temporal", "leave-one-out", "none", "files"};
}

/// What makes a rating the newest in kTemporal and kLeaveOneOut: its time, its place in the input, or
/// (kLeaveOneOut) a draw.
enum class RatingOrder : std::uint8_t { kTime, kFile, kRandom };
constexpr std::array<std::string_view, 3> enum_names(RatingOrder) {
  return {"time", "file", "random"};
}

struct SplitConfig {
  SplitMethod method = SplitMethod::kKfold;
  std::int32_t folds = 5;
  double test_share = 0.2;  // kRandom, kTemporal: share of all ratings
  double valid_share =
      0.0;  // share of all ratings (kRandom, kTemporal, kNone), of the train part otherwise
  bool cut_per_user =
      false;  // kTemporal: each user's own newest ratings, not those of the data set
  std::optional<RatingOrder> order;  // by time if there are times, else at random (kLeaveOneOut)
  std::uint32_t seed = 1;
};

/// How ratings were ordered, and how often chance had to order equal times.
struct SplitReport {
  std::optional<RatingOrder> order;  // nothing where no order was asked for
  bool per_user = false;             // each user's ratings were cut, not those of the data set
  EdgeOffset tied_test = 0;  // cuts between test and the rest that fall between equal times: users,
  EdgeOffset tied_valid = 0;  // or 1 for the whole set; likewise between validation and train
};

/// Collective. Fills table.part of this rank's users, whole users in rank order (sorted table, final
/// indices; kFiles: part already set; kFile: places numbered); shares and folds are exact over all
/// ranks. InputError if the ratings have no timestamps but the method needs them, or are too few for
/// the folds or shares.
SplitScheme assign_parts(const Communicator& comm, RatingTable& table, const SplitConfig& config,
                         SplitKind kind_of_files, SplitReport* report = nullptr);

}  // namespace siren::inline data

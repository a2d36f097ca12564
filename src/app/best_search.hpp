// SPDX-License-Identifier: Apache-2.0
// `siren train --preset best`: one recipe for every data set. What must differ between data sets is
// found by a search on validation ratings (app/model_search.hpp), without a word from the user:
//
//   users a batch   so many that an epoch has kStepsPerEpoch steps
//   kappa, eta, L   dislikes in the graph and in the loss, four pairs, each with one layer and two;
//                   the better two of the eight stay
//   reg             a ladder, with each of the two
//   columns         the recipe's; the best of these candidates with twice and four times as many, too,
//                   where there is memory for them
//   epochs          those of the model that did best on validation
//   lambda          by its rule (train/lambda_choice.hpp)
//
// What the user gave is not searched. The run directory is that of the final model; the search lies
// in its stages/. A data set without validation ratings lends a keyed tenth of train to the search,
// and the chosen setting is trained anew on all of train. Where there is a validation part, the
// chosen candidate itself becomes the run. How the recipe was found: tests/bench/RESULTS.md.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/model_search.hpp"
#include "app/option_parser.hpp"
#include "app/train_options.hpp"
#include "core/timer.hpp"
#include "siren/communicator.hpp"
#include "train/run_directory.hpp"

namespace siren::inline app {

inline constexpr const char* kBestPreset = "best";

/// Columns of the candidates that a search tries last, where there is memory for them.
inline constexpr std::array kWiderDimensions = {256, 512};

/// The recipe, with the middle of what is searched: for a step's work and memory (bench, plan).
void apply_best(TrainConfig& config);

/// What a search has to know of the ratings.
struct SearchedData {
  std::int64_t users = 0;
  bool has_dislikes = false;
  bool has_validation = false;
};

/// Of the fold, at the offset. InputError if the file is none. One rank suffices.
SearchedData searched_data(const DataConfig& config);

/// InputError if something was given with which candidates cannot be compared; they first train for
/// `first_epochs`.
void check_searchable(const OptionParser& options, const RunConfig& config,
                      const SearchedData& data, std::int32_t first_epochs);

/// Options of siren train for every candidate of a search: what `options` were given, without those
/// of the whole command, and the recipe for the others.
std::vector<std::string> common_options(const OptionParser& options, const SearchedData& data);
/// Evaluations without a better one that end a candidate; 0: none, its epochs were given.
std::int32_t patience_of(const OptionParser& options, const RunConfig& config);
/// Passes of the polarity branch in an epoch, if its candidates end after `epochs`; nothing where it
/// is not trained or a number of batches was given.
std::optional<double> polarity_rate(const OptionParser& options, const RunConfig& config,
                                    const SearchedData& data, std::int32_t epochs);
/// Those of them that one which goes on may be given again.
std::vector<std::string> resumed_options(const OptionParser& options);

/// What is searched besides reg.
struct SearchedSetting {
  double kappa = 0.0;
  double eta = 0.0;
  int layers = 1;

  friend bool operator==(const SearchedSetting&, const SearchedSetting&) = default;
};

/// Those that differ in what was not given.
std::vector<SearchedSetting> searched_settings(const OptionParser& options,
                                               const SearchedData& data);

/// Each setting with each reg, regs outermost, without what was given; no candidate twice.
std::vector<Candidate> candidates_of(const OptionParser& options, const SearchedData& data,
                                     const std::vector<SearchedSetting>& settings,
                                     const std::vector<double>& regs);
/// All settings with the whole ladder of reg, its middle first.
std::vector<Candidate> best_candidates(const OptionParser& options, const SearchedData& data);

/// What trains the chosen candidate anew on all of train: its options and what it was found to need.
/// `folder` is that of the search.
std::vector<std::string> refit_options(const SearchPlan& plan, const SearchResult& result);

/// Whether a run comes from a search.
bool was_searched(const std::string& run);
/// The command line that goes on with a search: by its request. InputError if it has a file of
/// options of its own.
std::vector<std::string> with_request(std::span<const std::string> args,
                                      const std::string& request);
/// What was given for the run of a search, without what its request says alike: the command that
/// began it may be repeated with --resume.
std::vector<std::string> without_repeated(const OptionParser& options, const std::string& run);

/// The request of a search in `run` that has not come to its model yet; empty if there is none.
std::string search_under_way(const std::string& run);

class BestSearch {
 public:
  /// Collective. InputError if somebody is at work in the directory, or a run is there. `options`
  /// and `config` must outlive it.
  BestSearch(const Communicator& comm, const OptionParser& options, const RunConfig& config,
             bool resumed);

  /// Collective. Options of siren train for the final model; nothing if it was interrupted.
  std::optional<std::vector<std::string>> run();

 private:
  void open();
  std::optional<SearchResult> search(RunGroups& groups, SearchPlan& plan) const;
  std::vector<int> wider_dimensions() const;
  void keep_results(const SearchPlan& plan, const SearchResult& result) const;
  std::string time_left() const;
  void adopt(const std::string& stage) const;
  std::vector<std::string> final_options(const SearchPlan& plan, const SearchResult& result) const;
  std::int32_t first_epochs() const;
  bool refits() const;

  Stopwatch watch_;
  const Communicator& comm_;
  const OptionParser& options_;
  const RunConfig& config_;
  bool resumed_;
  RunDirectory directory_;
  std::unique_ptr<RunLock> lock_;  // rank 0
  SearchedData data_;
};

}  // namespace siren::inline app

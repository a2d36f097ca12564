// SPDX-License-Identifier: Apache-2.0
// `siren tune --data D --budget MINUTES --output DIR`: a search for the settings of the factored model
// around `--preset best` (app/best_search.hpp), wider and as long as one can wait.
//
// The candidates are those of the preset, then settings from the grid kGrid in an order drawn by
// their names. The first candidate is trained first, alone; its speed says how many of them the
// budget pays: rung after rung a third goes on three times as far. So the clock is read once, and a
// search that was stopped goes on with the candidates that it began.
//
//   DIR/tune.ini       what was asked for, and the number of candidates
//   DIR/runs/NAME/     a run directory for each (app/model_search.hpp)
//   DIR/results.csv, results.json
//   DIR/config.ini     the chosen setting, for siren train --config, on all of train
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/best_search.hpp"
#include "app/model_search.hpp"
#include "app/option_parser.hpp"
#include "app/run_groups.hpp"
#include "app/stored_model.hpp"
#include "app/train_options.hpp"
#include "siren/communicator.hpp"

namespace siren::inline app {

/// Of both kinds of `siren tune`.
class TuneOptions {
 public:
  TuneOptions();

  /// False if only help was wanted.
  bool parse(std::span<const std::string> args);
  /// A search for settings; else lambda of a run.
  bool searches() const { return options_.given("output") || options_.given("budget"); }

  const RunConfig& run() const { return run_; }
  StoredModel stored() const;
  const std::string& output() const { return output_; }
  double budget() const { return budget_; }  // minutes
  std::int32_t groups() const { return groups_; }
  const OptionParser& options() const { return options_; }
  /// What was given, without what may change from start to start.
  std::string config_text() const;

 private:
  void check_lambda() const;
  void check_search() const;

  RunConfig run_;
  std::string checkpoint_;
  std::string output_;
  double budget_ = 0.0;
  std::int32_t groups_ = 1;
  OptionParser options_;
};

/// How much longer a candidate's epoch takes than that of the first, by its columns and layers: a
/// model of the step (products and exponentials by d, propagation by d L), for planning only.
double relative_cost(const std::vector<std::string>& options);

/// The preset's, then those of the grid.
std::vector<Candidate> tune_candidates(const OptionParser& options, const SearchedData& data);

/// How many of them, from the first on, the budget (in seconds) pays in all rungs up to `last` epochs:
/// `seconds` of the first rung for the first one, groups that work side by side.
std::size_t affordable(const std::vector<Candidate>& candidates, double seconds, double budget,
                       std::int32_t groups, std::int32_t last);

/// Of `candidates` candidates: after each a third goes on three times as far, until one is left or
/// `last` epochs are reached.
std::vector<Rung> halving(std::size_t candidates, std::int32_t first, std::int32_t last);

class TuneSearch {
 public:
  TuneSearch(const Communicator& comm, const TuneOptions& options);
  /// Collective.
  ExitCode run();

 private:
  void open();
  std::int32_t first_epochs() const;
  std::int32_t last_epochs() const;
  std::size_t stored_number() const;
  void store(std::size_t number) const;
  bool measure(SearchPlan& plan, RunGroups& groups);
  void conclude(const SearchPlan& plan, const SearchResult& result) const;

  const Communicator& comm_;
  const TuneOptions& options_;
  std::unique_ptr<RunLock> lock_;  // rank 0
  SearchedData data_;
};

}  // namespace siren::inline app

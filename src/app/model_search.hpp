// SPDX-License-Identifier: Apache-2.0
// Which settings of the factored model suit a data set: candidates are trained side by side and
// compared by their validation part, in rungs (successive halving): all of them for a few epochs, the
// better ones further, the best few to their end. Every candidate is a run directory of its own,
//
//   FOLDER/NAME/           config.ini, metrics.jsonl, checkpoints/ ... (train/run_directory.hpp)
//   FOLDER/progress.json   what they had come to at the end of each rung
//   FOLDER/chosen          the name of the chosen one
//
// and all that decides is read from their events, rung by rung. So a search that was stopped goes on
// where it was, and the same one always chooses alike: the clock decides nothing. The test part is
// never read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/run_groups.hpp"
#include "events/events.hpp"
#include "siren/communicator.hpp"
#include "train/run_lock.hpp"

namespace siren::inline app {

/// One setting that is tried.
struct Candidate {
  std::string name;                  // of its directory
  std::vector<std::string> options;  // "--reg=0.05", besides those that all have

  /// Adds an option, and its value to the name.
  void vary(std::string_view option, std::string_view letter, double value);
};

/// After training to `epochs` the `keep` best go on.
struct Rung {
  std::int32_t epochs = 0;
  std::size_t keep = 1;
};

/// What a candidate has come to, by its events.
struct CandidateRecord {
  std::int32_t begun = 0;       // there is a run
  std::int32_t epochs = 0;      // trained
  std::int32_t best_epoch = 0;  // of the model that is used
  std::int64_t step = 0;        // of that model; 0: none was finished
  std::int32_t since_best = 0;  // evaluations that were no better
  double ndcg = 0.0;            // its nDCG@10 on validation, at the best lambda
  std::optional<LambdaEvent> choice = {};
  std::vector<double> seconds = {};  // [epochs] of training, without evaluation
};

/// Of a run directory that may be empty, or not be there. InputError if its events are damaged.
CandidateRecord read_candidate(const std::string& directory);

struct SearchPlan {
  std::string folder;                // is made
  std::vector<std::string> options;  // of siren train, for all candidates
  std::vector<std::string> resumed;  // of those, what may be given again to one that goes on
  std::vector<Candidate> candidates;
  std::vector<Rung> rungs;                   // at least one; the last keeps one
  std::optional<double> polarity_rate = {};  // passes of the polarity branch in an epoch
  std::int32_t patience = 0;  // evaluations without a better one that end a candidate; 0: none
};

struct SearchResult {
  std::vector<CandidateRecord> records;  // [candidates]
  std::vector<std::size_t> order;        // best first: those of higher rungs before all others
  std::size_t chosen() const { return order.front(); }
};

/// Collective over the job. Nothing if it was interrupted. The exit code of the first failure is
/// thrown as its kind of error if no candidate of a rung came to its end. `lock` is that of the
/// folder, on rank 0.
std::optional<SearchResult> search_models(const Communicator& job, RunGroups& groups,
                                          const SearchPlan& plan, const RunLock* lock);

/// As progress.json keeps one.
nlohmann::ordered_json to_json(const CandidateRecord& record);
/// An exception of the JSON or standard library if it is none.
CandidateRecord record_from_json(const nlohmann::ordered_json& json);

/// `among` by score, best first; of equal ones the earlier, and last those that came to no end.
std::vector<std::size_t> ranked(std::span<const std::size_t> among,
                                const std::vector<CandidateRecord>& records);

/// A table of several lines, the chosen one first and marked.
std::string format_search(const SearchPlan& plan, const SearchResult& result);
/// The same as CSV, and with the frontiers as JSON (format: data/README.md).
std::string search_csv(const SearchPlan& plan, const SearchResult& result);
std::string search_json(const SearchPlan& plan, const SearchResult& result);

}  // namespace siren::inline app

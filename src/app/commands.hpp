// SPDX-License-Identifier: Apache-2.0
// The commands of the program: each reads its options, works, and returns the exit code. `args`
// stand behind the command's name. Collective; where rank 0 works alone, all ranks return or throw
// alike.
#pragma once

#include <span>
#include <string>

#include "siren/communicator.hpp"

namespace siren::inline app {

using CommandArgs = std::span<const std::string>;

/// Synthetic ratings as CSV.
int run_synth(const Communicator& comm, CommandArgs args);
/// Ratings in, dataset file out. On several ranks, rank 0 works.
int run_prepare(const Communicator& comm, CommandArgs args);
/// A data set in, a run directory out.
int run_train(const Communicator& comm, CommandArgs args);
/// Runs of `siren train` over folds, seeds and variations, side by side in one job.
int run_cv(const Communicator& comm, CommandArgs args);
/// Metrics of a trained run, or of the popularity baseline.
int run_evaluate(const Communicator& comm, CommandArgs args);
/// The lambda of a trained factored model, chosen anew.
int run_tune(const Communicator& comm, CommandArgs args);
/// The best items of users by a trained run, or items similar to others.
int run_recommend(const Communicator& comm, CommandArgs args);
/// The embeddings of a trained run in files for other programs.
int run_export(const Communicator& comm, CommandArgs args);
/// How fast training steps are here, and how far from the machine's limits.
int run_bench(const Communicator& comm, CommandArgs args);
/// What training a data set would take on several numbers of ranks.
int run_plan(const Communicator& comm, CommandArgs args);
/// What runs did, as one HTML file. Rank 0 works.
int run_report(const Communicator& comm, CommandArgs args);
/// What is in a file of ours. Rank 0 works.
int run_info(const Communicator& comm, CommandArgs args);

/// report.html in the directory of a run. A failure is a warning only: the run itself is safe. One
/// rank only.
void write_own_report(const std::string& run);

}  // namespace siren::inline app

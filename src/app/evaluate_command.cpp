// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/stored_model.hpp"
#include "app/train_options.hpp"
#include "core/terminal.hpp"
#include "events/json.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

struct EvaluateOptions {
  StoredModel stored;
  std::string model;  // empty: the run's
  HeldOutPart split = HeldOutPart::kTest;
  std::optional<Candidates> candidates;
  std::optional<Overlap> overlap;
  DataConfig data;  // of the popularity baseline, or where the run's data set lies now
  std::optional<std::int32_t> fold;
  Mask mask = Mask::kTrain;
  std::optional<double> lambda;
  std::int64_t users = 0;
  bool json = false;
};

OptionParser declare(EvaluateOptions& o) {
  OptionParser options("evaluate", "--run DIR | --model popularity --data FILE [options]",
                       "Ranks all items for every user and compares with held-out ratings.");
  options.section("What to evaluate");
  declare_stored_model(options, o.stored);
  options.text("model", o.model, "popularity", "instead of a run: items by their number of likes");
  options.section("By what");
  options.text("data", o.data.data, "FILE", "dataset file (default: the run's)");
  options.number("fold", o.fold, {0}, "K", "fold, for popularity (default 1); a run has its own");
  options.number("offset", o.data.offset, {}, "X", "above is liked, below disliked");
  options.number("relevant-from", o.data.relevant_from, {}, "X",
                 "ratings >= X are relevant (default: > offset)");
  options.choice("split", o.split, "held-out ratings (default test)");
  options.choice("candidates", o.candidates, "items that are ranked");
  options.choice("mask", o.mask, "(default train) ratings whose items are in no list");
  options.choice("overlap", o.overlap, "held-out likes that are masked: ignored, or missed");
  options.number("eval-users", o.users, {0}, "N",
                 "a sample of N users, with the standard error (default 0: all)");
  options.number("lambda", o.lambda, {0.0, kMostLambda}, "X",
                 "factored: weight of log P(liked | engaged) (default: as chosen, else 1)");
  options.section("Execution and output");
  declare_execution(options, o.stored);
  options.flag("json", o.json, "print JSON");
  return options;
}

/// The configuration of a run, as its config.ini has it, with what was given here.
RunConfig config_of(const EvaluateOptions& o) {
  RunConfig config;
  if (!o.stored.run.empty()) {
    config = config_of(o.stored);
    if (o.fold.value_or(config.data.fold) != config.data.fold)
      throw InputError(
          fmt::format("--fold {} contradicts {}, which was trained on fold {}{} and has seen what "
                      "tests the others; leave it out",
                      *o.fold, o.stored.run, config.data.fold,
                      config.data.fold == kWholeFold ? " (every rating)" : ""));
    if (!o.data.data.empty()) config.data.data = o.data.data;
    if (o.data.offset) config.data.offset = o.data.offset;
    if (o.data.relevant_from) config.data.relevant_from = o.data.relevant_from;
  } else {
    config.data = o.data;
    config.data.fold = o.fold.value_or(config.data.fold);
    config.train.threads = o.stored.threads;
    config.train.isa = o.stored.isa;
  }
  if (o.candidates) config.train.candidates = *o.candidates;
  if (o.overlap) config.train.pair_overlap = *o.overlap;
  validate(config);
  return config;
}

void check(const EvaluateOptions& o) {
  const bool popularity = o.model == "popularity";
  if (!o.model.empty() && !popularity)
    throw InputError(
        fmt::format("--model {}: only popularity can be evaluated without a run", o.model));
  if (popularity == !o.stored.run.empty())
    throw InputError("evaluate needs either --run DIR or --model popularity --data FILE");
}

EvaluationReport evaluate(const Communicator& comm, const EvaluateOptions& o,
                          const RunConfig& config) {
  set_threads(comm, config.train.threads);
  Session session(comm, config.data, config.train);
  const std::unique_ptr<Evaluator> evaluator =
      session.make_evaluator(std::string(name_of(o.split)), o.mask, o.users);
  if (o.stored.run.empty()) return session.evaluate_popularity(*evaluator);
  const HeldCheckpoint checkpoint = checkpoint_of(comm, o.stored);
  const Embeddings embeddings = session.embed(checkpoint.path, Branches::kBlended);
  return evaluator->evaluate(
      scored_by(embeddings.z, lambda_of(comm, checkpoint.path, config, o.lambda)));
}

}  // namespace

int run_evaluate(const Communicator& comm, CommandArgs args) {
  EvaluateOptions o;
  OptionParser options = declare(o);
  RunConfig config;
  const bool wanted = parse_together(comm, [&] {
    if (!options.parse(args)) return false;
    options.apply();
    check(o);
    config = config_of(o);
    return true;
  });
  if (!wanted) return static_cast<int>(ExitCode::kDone);
  const EvaluationReport report = evaluate(comm, o, config);
  if (report.ties.lists == 0)
    throw InputError(
        fmt::format("{}: no user is left to evaluate on: every held-out pair is also in {}",
                    config.data.data, report.mask));
  if (comm.is_root() && o.json) print_json(to_json(report), 2);
  if (comm.is_root() && !o.json) print_lines(format_report(report));
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app

// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/stored_model.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "io/output_guard.hpp"
#include "ranking/embedding_export.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

struct ExportOptions {
  StoredModel stored;
  std::string output;
  ExportFormat format = ExportFormat::kHdf5;
  ExportTable table = ExportTable::kFinal;
  std::optional<double> lambda;
};

OptionParser declare(ExportOptions& o) {
  OptionParser options("export", "--run DIR --output FILE [options]",
                       "Writes the final embeddings Z and their two branches with the original ids "
                       "(no dropout).");
  options.section("Model");
  declare_stored_model(options, o.stored);
  options.number("lambda", o.lambda, {0.0, kMostLambda}, "X",
                 "factored: of scores (default: the one chosen, else 1)");
  options.text("data", o.stored.data, "FILE", "dataset file (default: the run's)");
  options.section("Output");
  options.text("output", o.output, "FILE", "file to write; with npy a directory to make");
  options.choice("format", o.format, "(default hdf5; described in data/README.md)");
  options.choice("table", o.table, "for word2vec, which holds one (default final)");
  options.section("Execution");
  declare_execution(options, o.stored);
  return options;
}

void check(const ExportOptions& o, const RunConfig& config) {
  if (o.output.empty()) throw InputError("--output is missing: name the file to write");
  if (o.format != ExportFormat::kWord2vec && o.table != ExportTable::kFinal)
    throw InputError(fmt::format("--table {} contradicts --format {}, which holds all tables",
                                 name_of(o.table), name_of(o.format)));
  if (o.table != ExportTable::kFinal && config.train.model != ModelKind::kSiren)
    throw InputError(fmt::format("--table {}: a {} model has the final table only",
                                 name_of(o.table), name_of(config.train.model)));
}

void guard_place(const Communicator& comm, const ExportOptions& o, const RunConfig& config) {
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    if (o.format == ExportFormat::kNpy) return guard_output_directory(o.output);
    guard_output(o.output,
                 o.format == ExportFormat::kHdf5 ? FileKind::kEmbeddings : FileKind::kWordVectors,
                 inputs_of(o.stored, config));
  });
}

void write_embeddings(const Communicator& comm, const ExportOptions& o, RunConfig& config) {
  // So that owned rows are consecutive.
  config.data.partition = Partitioning::kBlock;
  set_threads(comm, config.train.threads);
  const HeldCheckpoint checkpoint = checkpoint_of(comm, o.stored);
  Session session(comm, config.data, config.train);
  const double lambda = lambda_of(comm, checkpoint.path, config, o.lambda);
  const Embeddings embeddings = session.embed(checkpoint.path, Branches::kAll);
  std::int64_t step = 0;
  agree_on_input(comm, [&] { step = read_checkpoint_info(checkpoint.path).step; });
  export_embeddings(comm,
                    {session.loaded().layout, session.dataset(), session.loaded().train, embeddings,
                     config.data.fold, session.offset(), config.train.model, step, lambda,
                     config.data.hold_out, config.train.seed},
                    o.output, o.format, o.table);
  spdlog::info("{}: {} users, {} items, {} columns, step {} ({})", o.output,
               grouped(session.summary().users), grouped(session.summary().items),
               embeddings.z.users.columns(), step, checkpoint.path);
}

}  // namespace

int run_export(const Communicator& comm, CommandArgs args) {
  ExportOptions o;
  OptionParser options = declare(o);
  RunConfig config;
  const bool wanted = parse_together(comm, [&] {
    if (!options.parse(args)) return false;
    options.apply();
    config = config_of(o.stored);
    check(o, config);
    return true;
  });
  if (!wanted) return static_cast<int>(ExitCode::kDone);
  guard_place(comm, o, config);
  write_embeddings(comm, o, config);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app

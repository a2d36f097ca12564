// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/option_parser.hpp"
#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "data/dataset_file.hpp"
#include "data/dataset_writer.hpp"
#include "ingest/prepare.hpp"
#include "io/output_guard.hpp"
#include "io/shared_file.hpp"
#include "observe/dataset_report.hpp"
#include "siren/error.hpp"

namespace siren::inline app {
namespace {

void declare_files(OptionParser& options, PrepareConfig& config) {
  options.section("Ratings, in one of three ways");
  options.list("input", config.input, "FILE",
               "ratings to be split (several: one set in several files)");
  options.list("fold-file", config.fold_files, "FILE", "pre-made folds, one --fold-file for each");
  options.text("train", config.train, "FILE",
               "pre-made parts: --train, --test and, if wanted, --valid");
  options.text("valid", config.valid, "FILE", "the validation part");
  options.text("test", config.test, "FILE", "the test part");
  options.text("output", config.output, "FILE", "dataset file to write; replaces an earlier one");
}

void declare_format(OptionParser& options, RatingsFormat& format) {
  options.section("How the files are written (plain text or .gz)");
  options.choice("format", format.format, "(default auto)");
  options.choice("header", format.header, "does the first line name the columns");
  options.custom(
      "columns",
      [&format](const OptionText& option) { format.columns = parse_columns(option.text); },
      [&format] { return fmt::format("{}", fmt::join(format.columns, ",")); }, "U,I,R[,T]",
      "user, item, rating[, time] by name or position from 1");
  options.choice("decimal", format.decimal, "between the whole part and the fraction of a rating");
  options.number("skip-lines", format.skip_lines, {0}, "N",
                 "lines to pass over at the start of each file");
  options.number("min-value", format.min_value, {}, "X", "a rating below X is an error");
  options.number("max-value", format.max_value, {}, "X", "a rating above X is an error");
}

void declare_contents(OptionParser& options, PrepareConfig& config) {
  options.section("What is kept");
  options.number("offset", config.offset, {}, "X",
                 "above is liked, below disliked (default 3.5, train may change it)");
  options.choice("duplicates", config.duplicates, "of a rated pair (default error)");
  options.number("min-user-ratings", config.min_user_ratings, {0}, "N",
                 "k-core: users with fewer are left out");
  options.number("min-item-ratings", config.min_item_ratings, {0}, "N",
                 "k-core: items with fewer are left out");
}

void declare_split(OptionParser& options, PrepareConfig& config) {
  options.section("Split of --input");
  options.choice("split", config.split, "(default kfold; none: all train)",
                 static_cast<std::size_t>(SplitMethod::kFiles));
  options.number("folds", config.folds, {2, kMaxFolds}, "N", "kfold: number of folds (default 5)");
  options.number("test-share", config.test_share, {0.0, 1.0}, "X",
                 "random, temporal: share that tests (default 0.2)");
  options.number("valid-share", config.valid_share, {0.0, 1.0}, "X",
                 "share that validates; for folds and files, of the train part");
  options.flag("cut-per-user", config.cut_per_user,
               "temporal: each user's own newest ratings test");
  options.choice("order", config.order, "what makes a rating the newest (leave-one-out, temporal)");
  options.number("seed", config.seed, {}, "N", "of the split (default 1)");
  declare_hang_timeout(options);
}

OptionParser declare_options(PrepareConfig& config) {
  OptionParser options(
      "prepare", "--input FILE --output FILE [options]",
      "Turns ratings into the dataset file of all other commands; start it with mpirun for "
      "many.");
  declare_files(options, config);
  declare_format(options, config.format);
  declare_contents(options, config);
  declare_split(options, config);
  return options;
}

std::vector<std::string> inputs_of(const PrepareConfig& config) {
  std::vector<std::string> inputs = config.input;
  inputs.insert(inputs.end(), config.fold_files.begin(), config.fold_files.end());
  inputs.insert(inputs.end(), {config.train, config.valid, config.test});
  return inputs;
}

std::string command_line(std::span<const std::string> args) {
  std::string line = "siren prepare";
  for (const std::string& arg : args) line += fmt::format(" {}", shell_quoted(arg));
  return line;
}

void prepare(const Communicator& comm, const PrepareConfig& config, const std::string& command) {
  agree_on_input(comm, [&] {
    if (comm.is_root()) guard_output(config.output, FileKind::kDataset, inputs_of(config));
  });
  SharedFile target(comm, config.output);  // from now on nobody else makes it

  PreparedDataset data;
  const auto warn = [&] {
    for (const std::string& warning : data.warnings) spdlog::warn("{}", warning);
  };
  try {
    prepare_dataset(comm, config, data);
  } catch (const InputError&) {
    warn();
    throw;
  }
  agree_on_input(comm, [] { throw_if_stopped(kNothingWritten); });
  warn();
  write_dataset(comm, target,
                {data.ratings, data.users, data.items, data.statistics, data.split,
                 data.split_method, command});
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    const DatasetFile written(config.output);
    print_lines(describe_preparation(data, config.duplicates));
    print_lines(describe_dataset(written.summary()));
    print_lines(fmt::format("{:<11}{} (content {})\n", "wrote", printable(config.output),
                            written.summary().content_hash));
  });
}

}  // namespace

int run_prepare(const Communicator& comm, CommandArgs args) {
  PrepareConfig config;
  OptionParser options = declare_options(config);
  const bool wanted = parse_together(comm, [&] {
    if (!options.parse(args)) return false;
    options.apply();
    config.validate();
    return true;
  });
  if (wanted) prepare(comm, config, command_line(args));
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app

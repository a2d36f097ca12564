// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/id_list.hpp"
#include "app/stored_model.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "io/output_guard.hpp"
#include "ranking/embedding_file.hpp"
#include "ranking/list_writer.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

constexpr std::int64_t kLongestList = 1000000;

struct RecommendOptions {
  StoredModel stored;
  std::string embeddings;
  std::string users;
  std::string users_from;
  bool all = false;
  std::string similar_to;
  std::string similar_from;
  std::int64_t top = 10;
  Hide hide = Hide::kAll;
  bool include_seen = false;  // Hide::kNone, as it was called at first
  std::string allow_items;
  std::string deny_items;
  Candidates candidates = Candidates::kTrain;
  double popularity_penalty = 0.0;
  std::optional<double> lambda;
  std::string output;
  ListFormat format = ListFormat::kCsv;
  bool spreadsheet_safe = false;
  bool with_liked = false;

  bool similar() const { return !similar_to.empty() || !similar_from.empty(); }
};

OptionParser declare(RecommendOptions& o) {
  OptionParser options("recommend", "--run DIR --users ID,ID | --all | --similar-to ITEM [options]",
                       "The best items of users by a trained model, with their original ids. Users "
                       "without a liked\ntrain rating are cold: they get the most liked items, and "
                       "`popular` as source.");
  options.section("Model");
  declare_stored_model(options, o.stored);
  options.text("embeddings", o.embeddings, "FILE",
               "instead of a run: what siren export has written; needs --data");
  options.text("data", o.stored.data, "FILE", "dataset file (default: the run's)");
  options.section("For whom");
  options.text("users", o.users, "ID,ID,...", "users by original id");
  options.text("users-from", o.users_from, "FILE", "users, one id a line");
  options.flag("all", o.all, "all users");
  options.text("similar-to", o.similar_to, "ITEM,...",
               "instead: items similar to these, by the cosine of final embeddings");
  options.text("similar-from", o.similar_from, "FILE", "likewise, items one id a line");
  options.section("What");
  options.number("top", o.top, {1, kLongestList}, "N", "length of a list (default 10)");
  options.choice("hide", o.hide, "rated items to hide: of any part (default all), of train");
  options.flag("include-seen", o.include_seen, "the same as --hide none");
  options.text("allow-items", o.allow_items, "FILE", "only these items, one id a line");
  options.text("deny-items", o.deny_items, "FILE", "never these items, one id a line");
  options.choice("candidates", o.candidates, "items with train ratings (default), or all");
  options.number("popularity-penalty", o.popularity_penalty, {0.0, 1e6}, "X",
                 "takes X ln(1 + likes) off an item's score (default 0)");
  options.number("lambda", o.lambda, {0.0, kMostLambda}, "X",
                 "factored: weight of log P(liked | engaged) (default: as chosen, else 1)");
  options.section("Output and execution");
  options.text("output", o.output, "FILE", "file to write (default: standard output)");
  options.choice("format", o.format, "(default csv; described in data/README.md)");
  options.flag("spreadsheet-safe", o.spreadsheet_safe,
               "CSV: an apostrophe before ids that a spreadsheet would compute");
  options.flag("with-liked", o.with_liked,
               "factored: a column with P(liked | engaged) of each entry");
  declare_execution(options, o.stored);
  return options;
}

void check_model(const RecommendOptions& o) {
  if (o.embeddings.empty()) return;
  for (const auto& [name, value] :
       {std::pair("run", o.stored.run), std::pair("checkpoint", o.stored.checkpoint)})
    if (!value.empty())
      throw InputError(fmt::format("--embeddings and --{} contradict each other: give one", name));
  if (o.stored.data.empty())
    throw InputError("--embeddings needs --data: name the dataset file that they were made with");
}

void check(const RecommendOptions& o, const OptionParser& options) {
  check_model(o);
  constexpr std::array kWhom = {"users", "users-from", "all", "similar-to", "similar-from"};
  std::vector<std::string> given;
  for (const char* name : kWhom)
    if (options.given(name)) given.emplace_back(name);
  if (given.empty() || (given.size() == 1 && given[0] == "all" && !o.all))
    throw InputError("for whom? give --users ID,ID, --users-from FILE, --all or --similar-to ITEM");
  if (given.size() > 1)
    throw InputError(
        fmt::format("--{} and --{} contradict each other: give one", given[0], given[1]));
  if (o.similar())
    for (const char* name : {"hide", "include-seen", "popularity-penalty", "lambda", "with-liked"})
      if (options.given(name))
        throw InputError(fmt::format(
            "--{} says nothing about items that are similar to others; leave it out", name));
  if (o.include_seen && options.given("hide") && o.hide != Hide::kNone)
    throw InputError(fmt::format("--include-seen and --hide {} contradict each other: give one",
                                 name_of(o.hide)));
  if (o.spreadsheet_safe && o.format != ListFormat::kCsv)
    throw InputError(fmt::format("--spreadsheet-safe is for CSV, not --format {}; leave it out",
                                 name_of(o.format)));
  if (o.candidates == Candidates::kTrainAndTest)
    throw InputError("--candidates train+test: nothing is tested here; use train or all");
  if (o.format == ListFormat::kHdf5 && o.output.empty())
    throw InputError("--format hdf5 needs --output: name the file to write");
}

FileKind kind_of(ListFormat format) {
  switch (format) {
    case ListFormat::kCsv:
      return FileKind::kListsCsv;
    case ListFormat::kJsonl:
      return FileKind::kListsJsonl;
    case ListFormat::kHdf5:
      return FileKind::kLists;
  }
  return FileKind::kOther;
}

void guard_place(const Communicator& comm, const RecommendOptions& o, const RunConfig& config) {
  agree_on_input(comm, [&] {
    if (!comm.is_root() || o.output.empty()) return;
    std::vector<std::string> inputs = o.embeddings.empty()
                                          ? inputs_of(o.stored, config)
                                          : std::vector{config.data.data, o.embeddings};
    inputs.insert(inputs.end(), {o.users_from, o.allow_items, o.deny_items});
    guard_output(o.output, kind_of(o.format), inputs);
  });
}

/// What a run's config.ini tells of the data and the model, for exported embeddings.
RunConfig config_of(const EmbeddingFile& file, const RecommendOptions& o) {
  RunConfig config;
  config.data.data = o.stored.data;
  config.data.fold = file.fold();
  config.data.offset = file.offset();
  config.data.hold_out = file.hold_out();
  config.train.seed = file.seed();
  config.train.dimension = file.dimension();
  config.train.threads = o.stored.threads;
  config.train.isa = o.stored.isa;
  return config;
}

/// Rows of the owned ones of `wanted`; both ascend.
std::vector<LocalRow> rows_of(std::span<const std::int32_t> wanted,
                              std::span<const std::int32_t> owned) {
  std::vector<LocalRow> rows;
  for (const std::int32_t id : wanted)
    if (const auto at = std::lower_bound(owned.begin(), owned.end(), id);
        at != owned.end() && *at == id)
      rows.push_back(static_cast<LocalRow>(at - owned.begin()));
  return rows;
}

class RecommendCommand {
 public:
  RecommendCommand(const Communicator& comm, const RecommendOptions& o, const RunConfig& config,
                   const ListPlan& plan)
      : comm_(comm),
        o_(o),
        config_(config),
        plan_(for_users(plan)),
        session_(comm, config.data, config.train, &plan_) {}

  void run() {
    const Layout& layout = session_.loaded().layout;
    const std::vector<LocalRow> queries = find_queries(layout);
    const ListOptions options = list_options();
    const NodeTables z = session_.embed(plan_);
    if (o_.with_liked && z.columns.polarity == 0)
      throw InputError(
          "--with-liked needs a factored model, which alone knows whether who engages also likes; "
          "leave it out");
    const ListSource source{session_.loaded(), z, lambda()};
    const RankedLists lists =
        (o_.similar() ? similar_items : recommend)(comm_, source, queries, options, session_.isa());
    write_lists(comm_, lists, o_.similar() ? ListKind::kSimilar : ListKind::kRecommended,
                session_.dataset(), {o_.output, o_.format, o_.spreadsheet_safe, o_.with_liked});
    report(lists);
  }

 private:
  ListPlan for_users(ListPlan plan) {
    if (!o_.all) plan.users = [this](const DatasetFile& file) { return users_in(file); };
    return plan;
  }

  /// `text` is what `option` was given: ids, or the name of a file with them.
  static IdQuery query(const DatasetFile& file, const char* what, const std::string& option,
                       const std::string& text) {
    const bool users = std::string_view(what) == "user";
    IdQuery query{what, "--" + option, {}, {}};
    query.read_table = [&file, users] {
      return users ? file.user_id_table() : file.item_id_table();
    };
    if (option != "users" && option != "similar-to") {
      query.option += " " + text;
      query.read_wanted = [text] { return read_id_list(text); };
    } else {
      query.read_wanted = [option, text] { return split_ids(option, text); };
      if (text.find(',') != std::string::npos)
        query.hint = fmt::format("; an id with a comma in it goes into a file: --{} FILE",
                                 users ? "users-from" : "similar-from");
    }
    return query;
  }

  std::vector<std::int32_t> find_items(const std::string& option, const std::string& text,
                                       IdUse use = IdUse::kChoose) const {
    IdQuery items = query(session_.dataset(), "item", option, text);
    items.use = use;
    return find_ids(comm_, items);
  }

  std::vector<LocalRow> find_queries(const Layout& layout) {
    if (o_.similar())
      return rows_of(o_.similar_from.empty() ? find_items("similar-to", o_.similar_to)
                                             : find_items("similar-from", o_.similar_from),
                     layout.owned_items());
    if (o_.all) {
      std::vector<LocalRow> rows(static_cast<std::size_t>(layout.users()));
      std::iota(rows.begin(), rows.end(), 0);
      return rows;
    }
    return rows_of(users_in(session_.dataset()), layout.owned_users());
  }

  /// Collective. Whom the lists are for, by global number, ascending; none if they are not for users.
  std::vector<UserId> users_in(const DatasetFile& file) {
    if (o_.similar()) return {};
    if (!users_)
      users_ =
          find_ids(comm_, o_.users_from.empty() ? query(file, "user", "users", o_.users)
                                                : query(file, "user", "users-from", o_.users_from));
    return *users_;
  }

  ListOptions list_options() {
    const TrainingSet& train = session_.loaded().train;
    ListOptions options;
    options.top = std::min(o_.top, train.items);
    options.hide = o_.include_seen ? Hide::kNone : o_.hide;
    options.popularity_penalty = o_.popularity_penalty;
    options.roles = item_roles(o_.candidates, train.item_degree, {});
    if (!o_.allow_items.empty()) {
      std::vector<ItemRole> allowed(options.roles.size(), ItemRole::kAbsent);
      for (const std::int32_t item : find_items("allow-items", o_.allow_items))
        allowed[static_cast<std::size_t>(item)] = options.roles[static_cast<std::size_t>(item)];
      options.roles = std::move(allowed);
    }
    if (!o_.deny_items.empty())
      for (const std::int32_t item : find_items("deny-items", o_.deny_items, IdUse::kLeaveOut))
        options.roles[static_cast<std::size_t>(item)] = ItemRole::kAbsent;
    return options;
  }

  double lambda() const {
    if (plan_.embeddings != nullptr) {
      if (o_.lambda && plan_.embeddings->columns().polarity == 0)
        throw InputError(
            fmt::format("--lambda says nothing about {}, which has no polarity columns; "
                        "leave it out",
                        plan_.embeddings->path()));
      return o_.lambda.value_or(plan_.embeddings->lambda());
    }
    return o_.similar() ? 0.0 : lambda_of(comm_, plan_.checkpoint, config_, o_.lambda);
  }

  void report(const RankedLists& lists) const {
    const std::int64_t made = comm_.all_reduce(std::ssize(lists.query), Reduction::kSum);
    const std::int64_t cold = comm_.all_reduce(
        std::int64_t{std::count(lists.popular.begin(), lists.popular.end(), std::uint8_t{1})},
        Reduction::kSum);
    std::array<std::int64_t, 2> tied = {lists.ties.tied, lists.ties.at_cutoff};
    comm_.all_reduce(std::span<std::int64_t>(tied), Reduction::kSum);
    spdlog::info("{} list(s){}", grouped(made),
                 cold == 0 ? "" : fmt::format(", {} of cold users (popular items)", grouped(cold)));
    const Ties ties{made, tied[0], tied[1]};
    if (ties.notable()) spdlog::info("{}", describe(ties));
  }

  Communicator comm_;
  const RecommendOptions& o_;
  const RunConfig& config_;
  std::optional<std::vector<UserId>> users_;  // once they are found
  ListPlan plan_;
  Session session_;
};

}  // namespace

int run_recommend(const Communicator& comm, CommandArgs args) {
  RecommendOptions o;
  OptionParser options = declare(o);
  RunConfig config;
  const bool wanted = parse_together(comm, [&] {
    if (!options.parse(args)) return false;
    options.apply();
    check(o, options);
    if (o.embeddings.empty()) config = config_of(o.stored);
    return true;
  });
  if (!wanted) return static_cast<int>(ExitCode::kDone);
  std::optional<EmbeddingFile> embeddings;
  if (!o.embeddings.empty()) {
    agree_on_input(comm, [&] {
      embeddings.emplace(o.embeddings);
      embeddings->require_for_lists();
      config = config_of(*embeddings, o);
    });
    embeddings->require_same(comm);
  }
  guard_place(comm, o, config);
  // So that users ascend with the rank, as in the output.
  config.data.partition = Partitioning::kBlock;
  set_threads(comm, config.train.threads);
  if (embeddings) {
    RecommendCommand(comm, o, config, {{}, &*embeddings, {}}).run();
  } else {
    const HeldCheckpoint checkpoint = checkpoint_of(comm, o.stored);
    RecommendCommand(comm, o, config, {checkpoint.path, nullptr, {}}).run();
  }
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app

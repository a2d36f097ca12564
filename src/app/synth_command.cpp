// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/option_parser.hpp"
#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "core/timer.hpp"
#include "data/dataset_file.hpp"
#include "ingest/synth.hpp"
#include "ingest/synth_profile.hpp"
#include "io/output_guard.hpp"
#include "io/shared_file.hpp"
#include "math/parallel.hpp"
#include "observe/synth_report.hpp"
#include "siren/check.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {
namespace {

constexpr std::int64_t kMostIds = std::numeric_limits<std::int32_t>::max() - 1;
constexpr std::int64_t kMostCommunities = std::int64_t{1} << 20;
constexpr std::int64_t kRatingsPerChunk = std::int64_t{1} << 18;  // about 4 MB of text
constexpr std::int64_t kPiecesPerChunk = 64;
constexpr double kSecondsBetweenMessages = 5.0;

struct SynthOptions {
  SynthConfig config;
  std::string like;
  std::optional<double> skew;
  std::optional<double> dislike_share;
  std::string output;
  bool no_header = false;
  std::int32_t threads = 0;
};

OptionParser declare(SynthOptions& o) {
  OptionParser options("synth",
                       "(--users N --items N --ratings N | --like FILE) --output FILE [options]",
                       "Makes ratings from 1 to 5 with planted tastes; start it with mpirun or "
                       "srun for many.");
  options.section("Size");
  options.number("users", o.config.users, {1, kMostIds}, "N", "users, with ids from 1");
  options.number("items", o.config.items, {1, kMostIds}, "N", "items, with ids from 1");
  options.number("ratings", o.config.ratings, {1}, "N",
                 "ratings in all, at most half of all pairs");
  options.text("like", o.like, "FILE",
               "dataset file to imitate: sizes, degrees, dislikes; given options win");
  options.section("Tastes");
  options.number("communities", o.config.communities, {1, kMostCommunities}, "N",
                 "groups of users and items that belong together (default 10)");
  options.number("skew", o.skew, {0.0, 10.0}, "X",
                 "exponent of the popularity of items: 0 all alike (default 1, or --like)");
  options.number("dislike-share", o.dislike_share, {0.0, 1.0}, "X",
                 "of the ratings that are 1 to 3, the worst fitting (default 0.4, or --like)");
  options.number("noise", o.config.noise, {0.0, 100.0}, "X",
                 "in the ratings, over what the fit says (default 0.5)");
  options.number("seed", o.config.seed, {}, "N", "of everything random (default 1)");
  options.section("Output and execution");
  options.text("output", o.output, "FILE", "user,item,rating as CSV; replaces an earlier file");
  options.flag("no-header", o.no_header, "no first line with the names of the columns");
  options.number("threads", o.threads, {0, 4096}, "T",
                 "per rank (default 0: the rank's share of the machine)");
  declare_hang_timeout(options);
  return options;
}

void validate(const SynthOptions& o) {
  if (o.like.empty()) o.config.validate();
  if (o.output.empty()) throw InputError("--output is missing: name the file to write");
}

/// Collective: rank 0 reads the data set, all get the same profile. What it does not say is as it
/// was.
SynthProfile read_together(const Communicator& comm, const std::string& path) {
  SynthProfile profile;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    const DatasetFile file(path);
    profile = profile_of(file);
    file.check_unchanged();
  });
  comm.broadcast(std::span(&profile.users, 1));
  comm.broadcast(std::span(&profile.items, 1));
  comm.broadcast(std::span(&profile.ratings, 1));
  comm.broadcast(std::span(&profile.dislike_share, 1));
  comm.broadcast(profile.user_degrees);
  comm.broadcast(profile.item_degrees);
  return profile;
}

/// Collective. The options that were given, else what --like says, else the defaults.
SynthConfig complete(const Communicator& comm, const SynthOptions& o) {
  SynthConfig config = o.config;
  if (!o.like.empty()) {
    const SynthProfile like = read_together(comm, o.like);
    if (config.users == 0) config.users = like.users;
    if (config.items == 0) config.items = like.items;
    if (config.ratings == 0) config.ratings = like.ratings;
    config.dislike_share = like.dislike_share;
    config.user_degrees = like.user_degrees;
    if (!o.skew) config.item_degrees = like.item_degrees;
  }
  config.skew = o.skew.value_or(config.skew);
  config.dislike_share = o.dislike_share.value_or(config.dislike_share);
  agree_on_input(comm, [&] { config.validate(); });
  return config;
}

/// What every rank does in turn: window w holds one chunk of users for each rank, in rank order.
struct Windows {
  std::int64_t users_per_chunk;
  std::int64_t count;
  RowRange chunk(std::int64_t window, const Communicator& comm, std::int64_t users) const {
    const std::int64_t begin = (window * comm.size() + comm.rank()) * users_per_chunk;
    return {std::min(begin, users), std::min(begin + users_per_chunk, users)};
  }
};

Windows windows_of(const SynthConfig& config, int ranks) {
  const std::int64_t ratings_per_user = (config.ratings - 1) / config.users + 1;
  const std::int64_t users = std::max<std::int64_t>(1, kRatingsPerChunk / ratings_per_user);
  const std::int64_t chunks = (config.users - 1) / users + 1;
  return {users, (chunks - 1) / ranks + 1};
}

void append_lines(std::int64_t user, std::span<const SynthRating> ratings, std::string& text) {
  const fmt::format_int user_id(user + 1);
  for (const SynthRating& rating : ratings) {
    text.append(user_id.data(), user_id.size());
    text += ',';
    const fmt::format_int item_id(rating.item + 1);
    text.append(item_id.data(), item_id.size());
    text += ',';
    text += static_cast<char>('0' + rating.stars);
    text += '\n';
  }
}

/// The lines of users [chunk), as pieces in order; threads make one piece at a time.
std::vector<std::string> write_chunk(const SynthGenerator& synth, const RowRange& chunk,
                                     SynthTally& tally) {
  const std::int64_t users_per_piece = std::max<std::int64_t>(1, chunk.size() / kPiecesPerChunk);
  const std::int64_t pieces = (chunk.size() + users_per_piece - 1) / users_per_piece;
  std::vector<std::string> text(static_cast<std::size_t>(pieces));
  parallel_blocks(chunk.size(), users_per_piece, [&](std::int64_t begin, std::int64_t end) {
    std::string& piece = text[static_cast<std::size_t>(begin / users_per_piece)];
    for (std::int64_t user = chunk.begin + begin; user < chunk.begin + end; ++user) {
      const std::vector<SynthRating> ratings = synth.ratings_of(user);
      append_lines(user, ratings, piece);
      tally.count(ratings);
    }
  });
  return text;
}

void add_up(const Communicator& comm, SynthTally& tally) {
  comm.all_reduce(std::span<std::int64_t>(tally.with_stars), Reduction::kSum);
  comm.all_reduce(std::span<std::int64_t>(tally.item_degree), Reduction::kSum);
  comm.all_reduce(std::span<std::int64_t>(tally.users_with), Reduction::kSum);
}

/// Collective. Makes all ratings and counts them.
SynthTally make_ratings(const Communicator& comm, const SynthConfig& config, SharedFile& file) {
  const Stopwatch watch;
  const SynthGenerator generator(config);
  SynthTally tally(config.items);
  const Windows windows = windows_of(config, comm.size());
  double told_at = 0.0;
  for (std::int64_t window = 0; window < windows.count; ++window) {
    agree_on_input(comm, [] { throw_if_stopped(kNothingWritten); });
    file.append(write_chunk(generator, windows.chunk(window, comm, config.users), tally));
    if (watch.seconds() - told_at < kSecondsBetweenMessages) continue;
    told_at = watch.seconds();
    const double done = static_cast<double>(window + 1) / static_cast<double>(windows.count);
    spdlog::info("{:.0f} % made, {} left", 100.0 * done, human_seconds(told_at / done - told_at));
  }
  add_up(comm, tally);
  SIREN_ASSERT(tally.ratings() == config.ratings, "{} ratings made", tally.ratings());
  return tally;
}

void synth(const Communicator& comm, const SynthOptions& o) {
  const Stopwatch watch;
  set_threads(comm, o.threads);
  agree_on_input(comm, [&] {
    if (comm.is_root())
      guard_output(o.output, FileKind::kRatings, std::span<const std::string>(&o.like, 1));
  });
  const SynthConfig config = complete(comm, o);
  SharedFile file(comm, o.output);
  const std::string header = o.no_header || !comm.is_root() ? "" : "user,item,rating\n";
  file.append(std::span<const std::string>(&header, 1));
  const SynthTally tally = make_ratings(comm, config, file);
  file.publish();
  if (!comm.is_root()) return;
  const double seconds = watch.seconds();
  print_lines(describe_synth(tally, config));
  print_lines(fmt::format(
      "{:<11}{} ({}) in {}, {} ratings/s\n", "wrote", printable(o.output),
      human_bytes(file.bytes()), human_seconds(seconds),
      grouped(static_cast<std::int64_t>(static_cast<double>(config.ratings) / seconds))));
}

}  // namespace

int run_synth(const Communicator& comm, CommandArgs args) {
  SynthOptions o;
  OptionParser options = declare(o);
  const bool wanted = parse_together(comm, [&] {
    if (!options.parse(args)) return false;
    options.apply();
    validate(o);
    return true;
  });
  if (!wanted) return static_cast<int>(ExitCode::kDone);
  synth(comm, o);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app

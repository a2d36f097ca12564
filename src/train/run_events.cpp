// SPDX-License-Identifier: Apache-2.0
#include "train/run_events.hpp"

#include <array>
#include <span>
#include <string>

#include "core/host.hpp"

namespace siren::inline train {

namespace {

/// Texts of all ranks, on every rank.
std::vector<std::string> gather(const Communicator& comm, const std::string& text) {
  std::vector<std::string> texts(1);
  std::string ended = text;
  ended += '\n';
  for (const char letter : comm.all_gather_v(std::span<const char>(ended)))
    if (letter == '\n')
      texts.emplace_back();
    else
      texts.back() += letter;
  texts.pop_back();
  return texts;
}

constexpr std::array kFigures = {
    &RankStart::rows,    &RankStart::halo_rows, &RankStart::rows_sent,     &RankStart::edges,
    &RankStart::ratings, &RankStart::bytes,     &RankStart::node_available};

}  // namespace

std::vector<PhaseUse> phase_use(const Communicator& comm, const PhaseClock& clock) {
  std::vector<double> least;
  std::vector<std::int64_t> bytes;
  for (std::size_t p = 0; p < kPhases; ++p) {
    least.push_back(clock.seconds(static_cast<Phase>(p)));
    const SentBytes& sent = clock.sent(static_cast<Phase>(p));
    bytes.push_back(sent.all);
    bytes.push_back(sent.between_nodes);
  }
  std::vector<double> most = least;
  std::vector<double> sum = least;
  comm.all_reduce(std::span(least), Reduction::kMin);
  comm.all_reduce(std::span(most), Reduction::kMax);
  comm.all_reduce(std::span(sum), Reduction::kSum);
  comm.all_reduce(std::span(bytes), Reduction::kSum);
  std::vector<PhaseUse> uses;
  for (std::size_t p = 0; p < kPhases; ++p)
    uses.push_back({std::string(name_of(static_cast<Phase>(p))),
                    least[p],
                    sum[p] / comm.size(),
                    most[p],
                    {bytes[2 * p], bytes[2 * p + 1]}});
  return uses;
}

RankReport gather_ranks(const Communicator& comm, std::int64_t steps, const PhaseCounts& mine) {
  return rank_report(steps, gather(comm, host_name()), comm.all_gather(mine));
}

StartReport gather_start(const Communicator& comm, RankStart mine) {
  const Communicator node = comm.split_by_node();
  mine.node_available = node.all_reduce(available_memory(), Reduction::kMin);
  const std::int32_t first = node.all_reduce(std::int32_t{comm.rank()}, Reduction::kMin);
  std::array<std::int64_t, kFigures.size()> figures{};
  for (std::size_t i = 0; i < kFigures.size(); ++i) figures[i] = mine.*kFigures[i];
  const auto all_figures = comm.all_gather(figures);
  const auto firsts = comm.all_gather(first);
  const std::vector<std::string> hosts = gather(comm, host_name());
  const std::vector<std::string> processors = gather(comm, allowed_processors());
  StartReport report;
  for (std::size_t r = 0; r < all_figures.size(); ++r) {
    RankStart rank;
    rank.host = hosts[r];
    rank.processors = processors[r];
    rank.node = firsts[r];
    for (std::size_t i = 0; i < kFigures.size(); ++i) rank.*kFigures[i] = all_figures[r][i];
    report.ranks.push_back(rank);
  }
  return report;
}

std::vector<RankShare> gather_shares(const Communicator& comm, const Layout& layout,
                                     const TrainingSet& set, const Adjacency& graph) {
  return comm.all_gather(RankShare{layout.users(), layout.items(), set.ratings.offsets.back(),
                                   graph.edges(), graph.halo_rows});
}

}  // namespace siren::inline train

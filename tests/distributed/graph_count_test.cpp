// SPDX-License-Identifier: Apache-2.0
#include "distributed/graph_count.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/share.hpp"

namespace siren::test {
namespace {

TrainConfig factored(double edge_weight) {
  TrainConfig config;
  config.model = ModelKind::kFactored;
  config.dislike_edge_weight = edge_weight;
  return config;
}

template <class T>
std::int64_t bytes_of(const std::vector<T>& array) {
  return std::ssize(array) * std::int64_t{sizeof(T)};
}

std::int64_t bytes_of(const Csr& csr) {
  return bytes_of(csr.offsets) + bytes_of(csr.split) + bytes_of(csr.columns);
}

/// Beside the graph that every rank makes: sizes, its arrays one by one, and what it sends.
TEST(GraphCount, CountsWhatIsMade) {
  const Communicator comm = Communicator::world();
  const Ratings ratings = random_ratings(60, 45, 0.08, 4);
  for (const double edge_weight : {0.0, 0.5, 1.0})
    for (const Travel travel : {Travel::kItems, Travel::kUsers, Travel::kCover})
      for (const char* name : {"block", "random", "first"}) {
        const TrainConfig config = factored(edge_weight);
        const auto share = make_share(comm, ratings, config, name, travel);
        const auto whole = make_share(Communicator::alone(), ratings, config, "block", travel);
        const std::vector<CountedPart> parts =
            count_graph(test_partition(ratings, name, comm.size()), comm.size(), whole->set.ratings,
                        {travel, edge_weight});
        ASSERT_EQ(std::ssize(parts), comm.size());
        const Adjacency& made = share->graph;
        const CountedPart& counted = parts[static_cast<std::size_t>(comm.rank())];
        SCOPED_TRACE(::testing::Message() << "kappa " << edge_weight << ", " << name << ", "
                                          << travelling_rows(travel) << " travel");
        EXPECT_EQ(counted.size.rows, made.rows);
        EXPECT_EQ(counted.size.travelling_rows,
                  travel == Travel::kCover ? made.rows : made.travelling.size());
        EXPECT_EQ(counted.size.halo_rows, made.halo_rows);
        EXPECT_EQ(counted.edges, made.edges());
        EXPECT_EQ(counted.size.bytes, bytes_of(made.by_anchor) + bytes_of(made.by_traveller) +
                                          bytes_of(made.by_halo) + bytes_of(made.degree) +
                                          bytes_of(made.halo_row_at_owner));
        EXPECT_EQ(made.size().bytes, counted.size.bytes);
        for (int rank = 0; rank < comm.size(); ++rank)
          EXPECT_EQ(
              parts[static_cast<std::size_t>(rank)].rows_expanded,
              comm.all_reduce(made.halo_counts[static_cast<std::size_t>(rank)], Reduction::kSum));
      }
}

void expect_row(const Csr& sample, std::int64_t row, const Csr& csr, std::int64_t of) {
  const auto begin = [](const Csr& c, std::int64_t r) {
    return c.columns.begin() + c.offsets[static_cast<std::size_t>(r)];
  };
  EXPECT_TRUE(
      std::equal(begin(sample, row), begin(sample, row + 1), begin(csr, of), begin(csr, of + 1)))
      << "row " << row << " of the sample, " << of << " of all";
}

/// All edges, where that is allowed; every third run of 64 rows, where a third is.
TEST(SampleGraph, TakesRunsOfRows) {
  const Ratings ratings = random_ratings(300, 200, 0.05, 9);
  const auto whole = make_share(Communicator::alone(), ratings, {});
  const std::int64_t all = whole->graph.by_anchor.nonzeros();
  for (const Travel travel : {Travel::kItems, Travel::kUsers}) {
    const auto share = make_share(Communicator::alone(), ratings, {}, "block", travel);
    const Adjacency same = sample_graph(whole->set, {travel, 0.0}, all);
    EXPECT_EQ(same.by_anchor.columns, share->graph.by_anchor.columns);
    EXPECT_EQ(same.by_anchor.offsets, share->graph.by_anchor.offsets);
    EXPECT_EQ(same.by_traveller.columns, share->graph.by_traveller.columns);
    EXPECT_EQ(same.by_traveller.offsets, share->graph.by_traveller.offsets);
    EXPECT_EQ(same.rows, 500);
    const Adjacency third = sample_graph(whole->set, {travel, 0.0}, (all + 2) / 3);
    for (const auto& [sample, full] :
         {std::pair(&third.by_anchor, &share->graph.by_anchor),
          std::pair(&third.by_traveller, &share->graph.by_traveller)}) {
      std::int64_t row = 0;
      for (std::int64_t of = 0; of < full->rows(); ++of)
        if (of / 64 % 3 == 0) expect_row(*sample, row++, *full, of);
      EXPECT_EQ(sample->rows(), row);
      EXPECT_LT(sample->nonzeros(), all);
    }
  }
}

TEST(SampleGraph, OfNoEdgesIsEmpty) {
  const auto whole = make_share(Communicator::alone(), random_ratings(8, 8, 0.0, 5), {});
  EXPECT_EQ(sample_graph(whole->set, {}, 10).by_anchor.nonzeros(), 0);
}

}  // namespace
}  // namespace siren::test

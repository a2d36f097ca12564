// SPDX-License-Identifier: Apache-2.0
#include "train/slab_exchange.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "math/matrix.hpp"

namespace siren {
namespace {

constexpr std::int64_t kTotal = 103;
constexpr std::int64_t kColumns = 5;  // padded to 16
constexpr std::int64_t kRowBytes = kColumns * 8;

double value_at(NodeId node, std::int64_t column) {
  return static_cast<double>(node * 100 + column);
}

/// Global rows of this rank: "runs" two runs a rank, "scattered", "last" all of them on one rank.
std::vector<NodeId> nodes_of(const Communicator& comm, const std::string& partition) {
  std::vector<NodeId> nodes;
  for (NodeId node = 0; node < kTotal; ++node) {
    std::int64_t owner = comm.size() - 1;
    if (partition == "runs") owner = node % 60 * comm.size() / 60;
    if (partition == "scattered") owner = node * node % 7 % comm.size();
    if (owner == comm.rank()) nodes.push_back(node);
  }
  return nodes;
}

/// Rows of a table with `columns` columns of it in use.
struct Table {
  explicit Table(std::int64_t rows, std::int64_t columns = kColumns) : values(rows, columns) {}
  StateTensor tensor() {
    return {"t", true, values.rows(), values.columns(), values.stride(), 8, values.data()};
  }
  Matrix<double> values;
};

constexpr int kNever = 99;

struct Case {
  std::string partition;
  std::int64_t window_rows;
  std::int64_t unit;
  int travels_from;  // so many ranks
};

std::vector<Case> cases() {
  return {{"runs", 1000, 1, kNever}, {"runs", 10, 1, kNever},    {"runs", 8, 4, 1},
          {"scattered", 1000, 1, 2}, {"scattered", 7, 1, 2},     {"scattered", 8, 4, 1},
          {"last", 7, 1, 3},         {"scattered", 1, 1, kNever}};
}

class SlabExchangeTest : public ::testing::Test {
 protected:
  SlabExchange exchange(const Case& c, const TableRows& rows) const {
    return {comm_, rows, kRowBytes, {c.window_rows * (kRowBytes + 8), c.unit}};
  }
  Communicator comm_ = Communicator::world();
};

TEST_F(SlabExchangeTest, WindowsCoverEveryRowOnce) {
  for (const Case& c : cases()) {
    const std::vector<NodeId> nodes = nodes_of(comm_, c.partition);
    const SlabExchange slabs = exchange(c, {nodes, kTotal});
    std::vector<std::int32_t> seen(kTotal, 0);
    for (std::int64_t w = 0; w < slabs.windows(); ++w) {
      const RowRange window = slabs.window(w);
      EXPECT_LE(window.size(), c.window_rows);
      EXPECT_EQ(window.size() == 0 ? 0 : window.begin % c.unit, 0);
      for (std::int64_t row = window.begin; row < window.end; ++row)
        ++seen[static_cast<std::size_t>(row)];
    }
    comm_.all_reduce(std::span<std::int32_t>(seen), Reduction::kSum);
    EXPECT_EQ(seen, std::vector<std::int32_t>(kTotal, 1)) << c.partition;
  }
}

TEST_F(SlabExchangeTest, LongRunsStayWhereTheyAre) {
  for (const Case& c : cases()) {
    const std::vector<NodeId> nodes = nodes_of(comm_, c.partition);
    EXPECT_EQ(exchange(c, {nodes, kTotal}).rows_travel(), comm_.size() >= c.travels_from)
        << c.partition << " " << c.window_rows;
  }
}

TEST_F(SlabExchangeTest, CollectsWhatTheOwnersHave) {
  for (const Case& c : cases()) {
    const std::vector<NodeId> nodes = nodes_of(comm_, c.partition);
    Table table(std::ssize(nodes));
    for (std::int64_t i = 0; i < std::ssize(nodes); ++i)
      for (std::int64_t column = 0; column < kColumns; ++column)
        table.values(i, column) = value_at(nodes[static_cast<std::size_t>(i)], column);
    SlabExchange slabs = exchange(c, {nodes, kTotal});
    for (std::int64_t w = 0; w < slabs.windows(); ++w) {
      const auto* packed = reinterpret_cast<const double*>(slabs.collect(w, table.tensor()));
      const RowRange window = slabs.window(w);
      for (std::int64_t k = 0; k < window.size() * kColumns; ++k)
        EXPECT_EQ(packed[k], value_at(window.begin + k / kColumns, k % kColumns)) << c.partition;
    }
  }
}

TEST_F(SlabExchangeTest, UnpaddedRunsAreNotEvenCopied) {
  const std::vector<NodeId> nodes = nodes_of(comm_, "runs");
  Table table(std::ssize(nodes), 16);
  SlabExchange slabs(comm_, {nodes, kTotal}, 16 * 8);
  ASSERT_FALSE(slabs.rows_travel());
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    if (slabs.window(w).size() == 0) continue;
    const auto row = std::lower_bound(nodes.begin(), nodes.end(), slabs.window(w).begin);
    EXPECT_EQ(slabs.collect(w, table.tensor()),
              reinterpret_cast<const char*>(table.values.row(row - nodes.begin())));
  }
}

/// Fills the windows as a file would, and hands them out.
void distribute_all(SlabExchange& slabs, Table& table) {
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    auto* packed = reinterpret_cast<double*>(slabs.place(w, table.tensor()));
    const RowRange window = slabs.window(w);
    for (std::int64_t k = 0; k < window.size() * kColumns; ++k)
      packed[k] = value_at(window.begin + k / kColumns, k % kColumns);
    slabs.distribute(w, table.tensor());
  }
}

TEST_F(SlabExchangeTest, DistributesToTheOwnersAndLeavesThePaddingAlone) {
  for (const Case& c : cases()) {
    const std::vector<NodeId> nodes = nodes_of(comm_, c.partition);
    Table table(std::ssize(nodes));
    SlabExchange slabs = exchange(c, {nodes, kTotal});
    distribute_all(slabs, table);
    for (std::int64_t i = 0; i < std::ssize(nodes); ++i)
      for (std::int64_t column = 0; column < table.values.stride(); ++column)
        EXPECT_EQ(table.values.row(i)[column],
                  column < kColumns ? value_at(nodes[static_cast<std::size_t>(i)], column) : 0.0)
            << c.partition;
  }
}

TEST_F(SlabExchangeTest, SomeRowsGoWhereTheCallerWantsThem) {
  for (const Case& c : cases()) {
    std::vector<NodeId> nodes = nodes_of(comm_, c.partition);
    std::erase_if(nodes, [](NodeId node) { return node % 3 == 0; });
    std::vector<LocalRow> local;  // backwards, every other row of the table
    for (std::int64_t i = 0; i < std::ssize(nodes); ++i)
      local.push_back(static_cast<LocalRow>(2 * (std::ssize(nodes) - 1 - i)));
    Table table(2 * std::ssize(nodes));
    SlabExchange slabs = exchange(c, {nodes, kTotal, local});
    distribute_all(slabs, table);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (std::int64_t column = 0; column < kColumns; ++column) {
        EXPECT_EQ(table.values(local[i], column), value_at(nodes[i], column)) << c.partition;
        EXPECT_EQ(table.values(local[i] + 1, column), 0.0) << "a row nobody asked for";
      }
  }
}

}  // namespace
}  // namespace siren

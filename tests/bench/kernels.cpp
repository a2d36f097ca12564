// SPDX-License-Identifier: Apache-2.0
// The inner loops one by one, on one thread: nanoseconds per table row ("per_row") or operations per
// second. Arguments of the products: rows of the table, and how a graph's columns are drawn:
//
//   0  all alike, the worst case for a cache
//   1  by a power law, popular rows scattered over the table
//   2  the same draws, popular rows first
//
//   kernels [--benchmark_filter=product]
//
// product_plain is the loop that anyone would write, on ordinary pages; product_small_pages our kernel
// on them; gather what the machine needs for the rows alone. gather_tiled visits the same rows tile by
// tile of columns that the third cache holds: what tiles could win at best, for each of the sums
// that they cut ("sums_per_row" of the visits) would have to be read and written once more.
#include "math/kernels.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include "core/rng.hpp"
#include "math/matrix.hpp"

namespace siren {
namespace {

constexpr std::int64_t kDimension = 64;
constexpr std::int64_t kEdgesPerRow = 50;
constexpr std::int64_t kTileRows = 65'536;

enum Draw : std::int64_t { kUniform, kScattered, kPopularFirst };

/// Of a power law: the most popular hundredth of the rows gets a third of the visits.
std::int64_t popularity_rank(double uniform, std::int64_t rows) {
  const double fourth_power = uniform * uniform * uniform * uniform;
  return static_cast<std::int64_t>(fourth_power * static_cast<double>(rows));
}

/// Edges into a table of `rows`; columns ascend within a row, as in the program.
struct Graph {
  Graph(std::int64_t rows, std::int64_t draw) : visits(rows > 1'000'000 ? 16'000'000 : 2'000'000) {
    constexpr std::int64_t kScatter = 7'368'787;  // a prime
    for (std::int64_t edge = 0; edge < visits; ++edge) {
      const RandomBlock words =
          random_block(1, Purpose::kNegative, {static_cast<std::uint32_t>(edge), 0, 0, 0});
      std::int64_t row = words[0] % rows;
      if (draw != kUniform) row = popularity_rank(words[0] * 0x1p-32, rows);
      if (draw == kScattered) row = row * kScatter % rows;
      columns.push_back(static_cast<std::int32_t>(row));
    }
    for (std::int64_t edge = 0; edge < visits; edge += kEdgesPerRow) {
      offsets.push_back(edge);
      std::sort(columns.begin() + edge, columns.begin() + std::min(edge + kEdgesPerRow, visits));
    }
    offsets.push_back(visits);
    columns.resize(columns.size() + kColumnSlack);
  }
  CsrView view() const { return {offsets.data(), columns.data()}; }
  std::int64_t rows() const { return std::ssize(offsets) - 1; }

  /// Visits go tile by tile; returns how many sums there are then for one before.
  double tile() {
    std::int64_t sums = 0;
    for (std::int64_t edge = 0; edge < visits; ++edge)
      if (edge % kEdgesPerRow == 0 || tile_of(edge) != tile_of(edge - 1)) ++sums;
    std::stable_sort(columns.begin(), columns.begin() + visits,
                     [](std::int32_t a, std::int32_t b) { return a / kTileRows < b / kTileRows; });
    return static_cast<double>(sums) / static_cast<double>(visits);
  }

  std::int64_t visits;
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> columns;

 private:
  std::int64_t tile_of(std::int64_t edge) const {
    return columns[static_cast<std::size_t>(edge)] / kTileRows;
  }
};

void report(benchmark::State& state, std::int64_t rows) {
  state.counters["per_row"] =
      benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kIsIterationInvariantRate |
                                                        benchmark::Counter::kInvert);
}

/// Pages as they come, whatever the system would like.
template <class T>
struct SmallPages {
  explicit SmallPages(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    void* memory = std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    ::madvise(memory, bytes, MADV_NOHUGEPAGE);
    std::memset(memory, 0, bytes);
    values.reset(static_cast<T*>(memory));
  }
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> values;
};

template <class Precision>
void product_plain(benchmark::State& state) {
  using Stored = typename Precision::Stored;
  const Graph graph(state.range(0), state.range(1));
  const SmallPages<Stored> table(state.range(0) * kDimension);
  Matrix<typename Precision::Real> sums(graph.rows(), kDimension);
  for (auto _ : state) {
    for (std::int64_t r = 0; r < graph.rows(); ++r) {
      auto* sum = sums.row(r);
      std::fill_n(sum, kDimension, typename Precision::Real{0});
      for (std::int64_t e = graph.offsets[static_cast<std::size_t>(r)];
           e < graph.offsets[static_cast<std::size_t>(r) + 1]; ++e) {
        const Stored* row =
            table.values.get() + graph.columns[static_cast<std::size_t>(e)] * kDimension;
        for (std::int64_t c = 0; c < kDimension; ++c)
          sum[c] += static_cast<typename Precision::Real>(row[c]);
      }
    }
    benchmark::ClobberMemory();
  }
  report(state, graph.visits);
}

template <class Precision>
void product(benchmark::State& state) {
  const Kernels<Precision>& k = kernels<Precision>(best_isa());
  const Graph graph(state.range(0), state.range(1));
  const Matrix<typename Precision::Stored> table(state.range(0), kDimension);
  Matrix<typename Precision::Real> sums(graph.rows(), kDimension);
  for (auto _ : state) {
    k.product_to_sums(graph.view(), table.data(), kDimension, 0, graph.rows(), sums.data());
    benchmark::ClobberMemory();
  }
  report(state, graph.visits);
}

template <class Precision>
void product_small_pages(benchmark::State& state) {
  const Kernels<Precision>& k = kernels<Precision>(best_isa());
  const Graph graph(state.range(0), state.range(1));
  const SmallPages<typename Precision::Stored> table(state.range(0) * kDimension);
  Matrix<typename Precision::Real> sums(graph.rows(), kDimension);
  for (auto _ : state) {
    k.product_to_sums(graph.view(), table.values.get(), kDimension, 0, graph.rows(), sums.data());
    benchmark::ClobberMemory();
  }
  report(state, graph.visits);
}

/// How far ahead rows are asked for: the last variant, which is the best or nearly so.
template <class Precision>
void run_gather(benchmark::State& state, const Graph& graph) {
  const Kernels<Precision>& k = kernels<Precision>(best_isa());
  const Matrix<typename Precision::Stored> table(state.range(0), kDimension);
  std::vector<typename Precision::Real> sum(kDimension);
  for (auto _ : state) {
    k.gather(graph.columns.data(), graph.visits, table.data(), kDimension, kGatherVariants - 1,
             sum.data());
    benchmark::ClobberMemory();
  }
  report(state, graph.visits);
}

template <class Precision>
void gather(benchmark::State& state) {
  run_gather<Precision>(state, Graph(state.range(0), state.range(1)));
}

template <class Precision>
void gather_tiled(benchmark::State& state) {
  Graph graph(state.range(0), state.range(1));
  state.counters["sums_per_row"] = graph.tile();
  run_gather<Precision>(state, graph);
}

/// y = x W^T for blocks of 256 rows, as in the MLP.
void multiply(benchmark::State& state) {
  constexpr std::int64_t kRows = 256;
  const std::int64_t width = state.range(0);
  const Kernels<Fp32>& k = kernels<Fp32>(best_isa());
  const Matrix<float> x(kRows, width);
  const Matrix<float> w(width, width);
  Matrix<float> y(kRows, width);
  for (auto _ : state) {
    k.multiply({x.data(), width, 1, w.data(), width, y.data(), width, kRows, width, width, false});
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(static_cast<double>(2 * kRows * width * width),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

void multiply_adds(benchmark::State& state) {
  float values[] = {0, 0.5F, 1};
  double flops = 0.0;
  for (auto _ : state) flops += kernels<Fp32>(best_isa()).multiply_adds(10'000, values);
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsRate);
}

void adam(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  AlignedArray<float> parameter(count), first(count), second(count), gradient(count);
  for (auto _ : state)
    kernels<Fp32>(best_isa())
        .adam(parameter.data(), first.data(), second.data(), gradient.data(), count,
              {0.005F, 0.9F, 0.999F, 1.0F, 1e-8F});
  state.SetBytesProcessed(state.iterations() * count * 7 * std::int64_t{sizeof(float)});
}

// In the second cache, in the third, in memory.
void tables(benchmark::internal::Benchmark* b) {
  for (const std::int64_t rows : {3'000, 40'000, 10'000'000}) b->Args({rows, kUniform});
  for (const Draw draw : {kScattered, kPopularFirst}) b->Args({10'000'000, draw});
  b->Unit(benchmark::kMillisecond);
}
void large_tables(benchmark::internal::Benchmark* b) {
  for (const Draw draw : {kUniform, kScattered, kPopularFirst}) b->Args({10'000'000, draw});
  b->Unit(benchmark::kMillisecond);
}

BENCHMARK_TEMPLATE(product_plain, Fp32)->Apply(tables);
BENCHMARK_TEMPLATE(product, Fp32)->Apply(tables);
BENCHMARK_TEMPLATE(gather, Fp32)->Apply(tables);
BENCHMARK_TEMPLATE(product_plain, Bf16)->Apply(tables);
BENCHMARK_TEMPLATE(product_small_pages, Bf16)->Apply(large_tables);
BENCHMARK_TEMPLATE(product, Bf16)->Apply(tables);
BENCHMARK_TEMPLATE(gather, Bf16)->Apply(tables);
BENCHMARK_TEMPLATE(gather_tiled, Bf16)->Apply(large_tables);
BENCHMARK(multiply)->Arg(64)->Arg(128);
BENCHMARK(multiply_adds);
BENCHMARK(adam)->Arg(600'000)->Arg(20'000'000);

}  // namespace
}  // namespace siren

BENCHMARK_MAIN();

// SPDX-License-Identifier: Apache-2.0
// The inner loops one by one, on one thread: nanoseconds per table row ("per_row") or operations per
// second. Columns of a graph are drawn at random, the worst case for a cache.
//
//   kernels [--benchmark_filter=product]
//
// product_plain is the loop that anyone would write, on ordinary pages; gather what the machine needs
// for the rows alone.
#include "siren/math/kernels.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include "siren/core/rng.hpp"
#include "siren/math/matrix.hpp"

namespace siren {
namespace {

constexpr std::int64_t kDimension = 64;
constexpr std::int64_t kEdgesPerRow = 50;
constexpr std::int64_t kVisits = 2'000'000;

/// A few million edges into a table of `rows`.
struct Graph {
  explicit Graph(std::int64_t rows) {
    for (std::int64_t edge = 0; edge < kVisits + kColumnSlack; ++edge) {
      const RandomBlock words =
          random_block(1, Purpose::kNegative, {static_cast<std::uint32_t>(edge), 0, 0, 0});
      columns.push_back(static_cast<std::int32_t>(words[0] % static_cast<std::uint64_t>(rows)));
      if (edge % kEdgesPerRow == 0 && edge <= kVisits) offsets.push_back(edge);
    }
  }
  CsrView view() const { return {offsets.data(), columns.data()}; }
  std::int64_t rows() const { return std::ssize(offsets) - 1; }
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> columns;
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
  const Graph graph(state.range(0));
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
  report(state, kVisits);
}

template <class Precision>
void product(benchmark::State& state) {
  const Kernels<Precision>& k = kernels<Precision>(best_isa());
  const Graph graph(state.range(0));
  const Matrix<typename Precision::Stored> table(state.range(0), kDimension);
  Matrix<typename Precision::Real> sums(graph.rows(), kDimension);
  for (auto _ : state) {
    k.product_to_sums(graph.view(), table.data(), kDimension, 0, graph.rows(), sums.data());
    benchmark::ClobberMemory();
  }
  report(state, kVisits);
}

template <class Precision>
void gather(benchmark::State& state) {
  const Kernels<Precision>& k = kernels<Precision>(best_isa());
  const Graph graph(state.range(0));
  const Matrix<typename Precision::Stored> table(state.range(0), kDimension);
  std::vector<typename Precision::Real> sum(kDimension);
  for (auto _ : state) {
    k.gather(graph.columns.data(), kVisits, table.data(), kDimension,
             static_cast<int>(state.range(1)), sum.data());
    benchmark::ClobberMemory();
  }
  report(state, kVisits);
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
void table_sizes(benchmark::internal::Benchmark* b) {
  for (const std::int64_t rows : {3'000, 40'000, 10'000'000}) b->Arg(rows);
  b->Unit(benchmark::kMillisecond);
}
void gathers(benchmark::internal::Benchmark* b) {
  for (const std::int64_t rows : {3'000, 40'000, 10'000'000})
    for (int variant = 0; variant < kGatherVariants; ++variant) b->Args({rows, variant});
  b->Unit(benchmark::kMillisecond);
}

BENCHMARK_TEMPLATE(product_plain, Fp32)->Apply(table_sizes);
BENCHMARK_TEMPLATE(product, Fp32)->Apply(table_sizes);
BENCHMARK_TEMPLATE(gather, Fp32)->Apply(gathers);
BENCHMARK_TEMPLATE(product_plain, Bf16)->Apply(table_sizes);
BENCHMARK_TEMPLATE(product, Bf16)->Apply(table_sizes);
BENCHMARK_TEMPLATE(gather, Bf16)->Apply(gathers);
BENCHMARK(multiply)->Arg(64)->Arg(128);
BENCHMARK(multiply_adds);
BENCHMARK(adam)->Arg(600'000)->Arg(20'000'000);

}  // namespace
}  // namespace siren

BENCHMARK_MAIN();

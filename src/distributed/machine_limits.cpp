// SPDX-License-Identifier: Apache-2.0
#include "distributed/machine_limits.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/timer.hpp"
#include "math/matrix.hpp"
#include "math/parallel.hpp"
#include "math/read_in_order.hpp"

namespace siren::inline distributed {

namespace {

constexpr std::int64_t kEdgesPerTile = 4096;  // as in distributed/propagation.cpp
constexpr std::int64_t kValuesPerTile = 8192;
constexpr std::int64_t kRounds = 200'000;
constexpr int kMinRepeats = 5;
constexpr double kBudgetSeconds = 0.15;  // per measurement, beyond kMinRepeats

/// The shortest of several times; every repeat begins on all ranks together.
template <class Work>
double best_seconds(const Communicator& comm, const Work& work) {
  double best = std::numeric_limits<double>::infinity();
  const Stopwatch all;
  for (int repeat = 0;; ++repeat) {
    const bool go_on = repeat < kMinRepeats || all.seconds() < kBudgetSeconds;
    if (comm.all_reduce(std::int32_t{go_on}, Reduction::kMax) == 0) return best;
    const Stopwatch watch;
    work();
    best = std::min(best, watch.seconds());
  }
}

/// All edges of a layer, in the order of the products.
template <class Precision>
class GatherStream {
 public:
  GatherStream(const Kernels<Precision>& kernels, const Adjacency& graph, std::int64_t dimension)
      : kernels_(kernels), table_(graph.rows + graph.halo_rows, dimension) {
    const auto add = [&](const Csr& csr, const RowRange& columns) {
      parts_.push_back({&csr, balanced_tiles(csr.offsets, kEdgesPerTile), columns});
    };
    add(graph.by_halo, graph.anchored);
    add(graph.by_traveller, graph.anchored);
    add(graph.by_anchor, graph.travelling);
  }

  std::int64_t rows() const {
    std::int64_t rows = 0;
    for (const Part& part : parts_) rows += part.csr->nonzeros();
    return rows;
  }

  /// By itself, or with the columns' rows read in order first where the products do so.
  void run(int variant, bool read_first) const {
    for (const Part& part : parts_) {
      if (read_first)
        read_rows_in_order(table_, part.columns.begin, part.columns.end, part.csr->nonzeros());
      parallel_tiles(
          std::ssize(part.tiles) - 1,
          [&](std::int64_t tile) {
            static thread_local std::vector<typename Precision::Real> sum;
            sum.resize(static_cast<std::size_t>(table_.stride()));
            const auto offset = [&](std::int64_t bound) {
              const auto row = part.tiles[static_cast<std::size_t>(bound)];
              return part.csr->offsets[static_cast<std::size_t>(row)];
            };
            kernels_.gather(part.csr->columns.data() + offset(tile),
                            offset(tile + 1) - offset(tile), table_.data(), table_.stride(),
                            variant, sum.data());
          },
          [] {});
    }
  }

 private:
  struct Part {
    const Csr* csr;
    std::vector<std::int64_t> tiles;
    RowRange columns;  // without halo rows
  };

  const Kernels<Precision>& kernels_;
  Matrix<typename Precision::Stored> table_;
  std::vector<Part> parts_;
};

template <class Precision>
double gather_limit(const Communicator& comm, const GatherStream<Precision>& stream) {
  double best = std::numeric_limits<double>::infinity();
  for (int variant = 0; variant < kGatherVariants; ++variant)
    for (const bool read_first : {false, true})
      best = std::min(best, best_seconds(comm, [&] { stream.run(variant, read_first); }));
  return stream.rows() == 0 ? 0.0 : best / static_cast<double>(stream.rows());
}

template <class Precision>
double flop_limit(const Communicator& comm, const Kernels<Precision>& kernels) {
  double flops = 0.0;
  const double seconds = best_seconds(comm, [&] {
    flops = 0.0;
#pragma omp parallel reduction(+ : flops)
    {
      typename Precision::Real values[] = {0, 0.5F, 1};
      flops += kernels.multiply_adds(kRounds, values);
    }
  });
  return flops / seconds;
}

/// Of arguments in the first cache.
template <class Precision>
double exp_limit(const Communicator& comm, const Kernels<Precision>& kernels) {
  using Real = typename Precision::Real;
  constexpr std::int64_t kScores = 2048;
  constexpr int kSweeps = 200;
  double exps = 0.0;
  const double seconds = best_seconds(comm, [&] {
    exps = 0.0;
#pragma omp parallel reduction(+ : exps)
    {
      AlignedArray<Real> scores(kScores);
      for (int sweep = 0; sweep < kSweeps; ++sweep)  // arguments stay in [-1, 0]
        kernels.exp_and_sum(scores.data(), Real{1}, kScores);
      exps += double{kSweeps} * kScores;
    }
  });
  return exps / seconds;
}

/// The better of a = b + s c, which fetches a only to overwrite it, and an update in place.
template <class Precision>
double stream_limit(const Communicator& comm, const Kernels<Precision>& kernels,
                    std::int64_t values) {
  using Real = typename Precision::Real;
  const std::int64_t count = std::max(values / 3, kRowPadding) / kRowPadding * kRowPadding;
  AlignedArray<Real> a(count);
  AlignedArray<Real> b(count);
  AlignedArray<Real> c(count);
  const double triad = best_seconds(comm, [&] {
    parallel_blocks(count, kValuesPerTile, [&](std::int64_t begin, std::int64_t end) {
      kernels.triad(a.data() + begin, b.data() + begin, c.data() + begin, Real{2}, end - begin);
    });
  });
  const double update = best_seconds(comm, [&] {
    parallel_blocks(count, kValuesPerTile, [&](std::int64_t begin, std::int64_t end) {
      kernels.mix(a.data() + begin, b.data() + begin, Real{0.5}, end - begin);
      kernels.mix(a.data() + begin, c.data() + begin, Real{0.5}, end - begin);
    });
  });
  const double bytes = static_cast<double>(count) * sizeof(Real);
  return std::max(3.0 * bytes / triad, 6.0 * bytes / update);
}

}  // namespace

template <class Precision>
MachineLimits measure_limits(const Communicator& comm, const Kernels<Precision>& kernels,
                             const Adjacency& graph, std::int64_t dimension,
                             std::int64_t streamed_values) {
  MachineLimits limits;
  limits.gather_seconds = gather_limit(comm, GatherStream<Precision>(kernels, graph, dimension));
  limits.flops_per_second = flop_limit(comm, kernels);
  limits.exps_per_second = exp_limit(comm, kernels);
  limits.bytes_per_second = stream_limit(comm, kernels, streamed_values);
  return limits;
}

template MachineLimits measure_limits<Fp32>(const Communicator&, const Kernels<Fp32>&,
                                            const Adjacency&, std::int64_t, std::int64_t);
template MachineLimits measure_limits<Bf16>(const Communicator&, const Kernels<Bf16>&,
                                            const Adjacency&, std::int64_t, std::int64_t);
template MachineLimits measure_limits<Fp64>(const Communicator&, const Kernels<Fp64>&,
                                            const Adjacency&, std::int64_t, std::int64_t);

}  // namespace siren::inline distributed

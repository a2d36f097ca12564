// SPDX-License-Identifier: Apache-2.0
// The one routine through which every sum across ranks goes that training depends on. The order of
// additions is fixed here and nowhere else: the parts of the ranks are added in rank order,
// whatever algorithm MPI would have chosen, and every rank receives the same bits.
//
//   OrderedAllReduce<float> sum(comm, n);
//   sum.start(gradients);     // in flight ...
//   sum.progress();           // ... between other work, any number of times
//   sum.finish();             // `gradients` now holds the sum on every rank
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/timer.hpp"
#include "siren/communicator.hpp"

namespace siren::inline comm {

/// Values that `rank` of `ranks` sends for a sum of `count` values: the slices of the others, then its
/// own to each of them.
constexpr std::int64_t values_sent_in_sum(std::int64_t count, std::int64_t rank,
                                          std::int64_t ranks) {
  const std::int64_t slice = count * (rank + 1) / ranks - count * rank / ranks;
  return count - slice + (ranks - 1) * slice;
}

/// Each rank collects one slice of the vector from all ranks (all-to-all), adds the parts in rank
/// order, and the finished slices are gathered: two transfers of about n values per rank, like a
/// reduce-scatter allreduce. start, progress (any number) and finish are called on every rank.
/// Instantiated for float and double.
template <class Real>
class OrderedAllReduce {
 public:
  /// Collective. For vectors of `count` values, the same on every rank.
  OrderedAllReduce(const Communicator& comm, std::int64_t count);

  /// `values` [count] must stay untouched until finish() returns, which leaves the sum in it.
  void start(std::span<Real> values);
  void progress();
  void finish();

  /// What this rank sends for one sum, each part straight to the rank it is for.
  SentBytes bytes_sent() const;

 private:
  enum class Stage { kIdle, kScattering, kGathering };
  void add_and_gather();

  Communicator comm_;               // of its own: ranks begin the gather at different moments
  std::vector<int> counts_;         // [size] length of each rank's slice
  std::vector<int> displacements_;  // [size] its start in the vector
  std::vector<int> my_counts_;      // [size] this rank's slice length, once per source
  std::vector<int> my_displacements_;
  std::vector<Real> parts_;  // [size x slice] this rank's slice of every rank's vector
  std::vector<Real> slice_;  // [slice] their sum
  std::span<Real> values_;
  RequestSet requests_;
  Stage stage_ = Stage::kIdle;
};

}  // namespace siren::inline comm

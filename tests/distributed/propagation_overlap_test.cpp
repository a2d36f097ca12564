// SPDX-License-Identifier: Apache-2.0
// What may happen while rows travel, with overlap and without; what is refused.
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "distributed/propagation.hpp"
#include "siren/error.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kDimension = 16;

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

/// When the last rank began, and when the first was busy with other work for the first time. The
/// ranks share a clock. The last rank begins late; all need rows of all.
struct Order {
  double last_began;
  double first_worked;
};

Order order_of(const Communicator& comm, bool overlap) {
  TrainConfig config;
  config.dimension = kDimension;
  const auto share =
      make_share(comm, random_ratings(40, 30, 0.5, 3), config, "random", Travel::kItems);
  PhaseClock clock;
  Propagation<Fp32> propagation(comm, share->graph, kernels<Fp32>(best_isa()),
                                {2, kDimension, Normalisation::kSymmetric, overlap}, clock, {});
  const Matrix<float> x(share->layout.rows(), kDimension);
  Matrix<float> mean(share->layout.rows(), kDimension);
  const bool is_last = comm.rank() + 1 == comm.size();
  comm.barrier();
  if (is_last) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double began = now();
  double worked = 0.0;
  propagation.forward(x, mean, [&] { worked = now(); });
  return {comm.all_reduce(is_last ? began : 0.0, Reduction::kMax),
          comm.all_reduce(comm.is_root() ? worked : 0.0, Reduction::kMax)};
}

TEST(PropagationOverlap, WorkBeginsBeforeRowsHaveArrived) {
  const Communicator comm = Communicator::world();
  const Order order = order_of(comm, true);
  EXPECT_EQ(order.first_worked<order.last_began, comm.size()> 1);
}

TEST(PropagationOverlap, WithoutItRowsAreWaitedForFirst) {
  const Communicator comm = Communicator::world();
  const Order order = order_of(comm, false);
  EXPECT_GE(order.first_worked, order.last_began);
}

}  // namespace
}  // namespace siren::test

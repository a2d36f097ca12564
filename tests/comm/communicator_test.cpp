// SPDX-License-Identifier: Apache-2.0
#include "siren/communicator.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "siren/error.hpp"

namespace siren {
namespace {

struct Pair {
  std::int32_t from;
  double value;
  bool operator==(const Pair&) const = default;
};

class CommunicatorTest : public testing::Test {
 protected:
  const Communicator comm_ = Communicator::world();
  const int rank_ = comm_.rank();
  const int size_ = comm_.size();
};

/// What `work` threw: "input: ..." or "environment: ...", or "" if nothing.
template <class Work>
std::string verdict_of(const Communicator& comm, Work work) {
  try {
    agree_on_input(comm, work);
  } catch (const InputError& error) {
    return std::string("input: ") + error.what();
  } catch (const EnvironmentError& error) {
    return std::string("environment: ") + error.what();
  }
  return "";
}

TEST_F(CommunicatorTest, ExactlyOneRankIsRoot) {
  EXPECT_EQ(comm_.is_root(), rank_ == 0);
  EXPECT_EQ(comm_.all_reduce(comm_.is_root() ? 1 : 0, Reduction::kSum), 1);
  EXPECT_EQ(comm_.all_reduce(rank_, Reduction::kMax), size_ - 1);
}

TEST_F(CommunicatorTest, WorldIsAPrivateDuplicate) {
  int result = MPI_UNEQUAL;
  MPI_Comm_compare(comm_.get(), MPI_COMM_WORLD, &result);
  EXPECT_EQ(result, MPI_CONGRUENT);
}

TEST_F(CommunicatorTest, SplitGroupsByColorAndOrdersByKey) {
  const Communicator part = comm_.split(rank_ % 2, -rank_);
  const int members = rank_ % 2 == 0 ? (size_ + 1) / 2 : size_ / 2;
  EXPECT_EQ(part.size(), members);
  EXPECT_EQ(part.rank(), members - 1 - rank_ / 2);
}

TEST_F(CommunicatorTest, RanksOfOneNodeShareMemory) {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  MPI_Get_processor_name(name.data(), &length);
  const std::vector<std::array<char, MPI_MAX_PROCESSOR_NAME>> names = comm_.all_gather(name);
  EXPECT_EQ(comm_.ranks_on_node(), std::count(names.begin(), names.end(), name));
  // The last rank becomes the first: ranks are those of the communicator that is asked.
  const Communicator reversed = comm_.split(0, comm_.size() - rank_);
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const bool same = names[static_cast<std::size_t>(rank)] == name;
    EXPECT_EQ(comm_.shares_node(rank), same);
    EXPECT_EQ(reversed.shares_node(comm_.size() - 1 - rank), same);
  }
}

// The ranks of a test share one machine, hence one monotonic clock.
TEST_F(CommunicatorTest, NobodyPassesABarrierBeforeEveryoneArrived) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  if (rank_ == size_ - 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::int64_t arrived = now();
  comm_.barrier();
  const std::int64_t left = now();
  EXPECT_GE(left, comm_.all_reduce(arrived, Reduction::kMax));
}

TEST_F(CommunicatorTest, BroadcastReachesEveryRankFromAnyRoot) {
  for (int root = 0; root < size_; ++root) {
    std::array<std::int32_t, 2> fixed{rank_, rank_};
    comm_.broadcast(std::span<std::int32_t>(fixed), root);
    EXPECT_EQ(fixed, (std::array<std::int32_t, 2>{root, root}));

    std::vector<double> grows(static_cast<std::size_t>(rank_), 0.5);
    comm_.broadcast(grows, root);
    EXPECT_EQ(grows, std::vector<double>(static_cast<std::size_t>(root), 0.5));

    std::string text(static_cast<std::size_t>(rank_), static_cast<char>('a' + rank_));
    comm_.broadcast(text, root);
    EXPECT_EQ(text, std::string(static_cast<std::size_t>(root), static_cast<char>('a' + root)));
  }
}

TEST_F(CommunicatorTest, BroadcastOfNothing) {
  std::vector<float> values(static_cast<std::size_t>(rank_));
  comm_.broadcast(std::span<float>());
  comm_.broadcast(values, 0);
  EXPECT_TRUE(values.empty());
}

template <class T>
void check_reductions(const Communicator& comm) {
  const T size = static_cast<T>(comm.size());
  const T mine = static_cast<T>(comm.rank() + 1);
  EXPECT_EQ(comm.all_reduce(mine, Reduction::kSum), size * (size + 1) / 2);
  EXPECT_EQ(comm.all_reduce(mine, Reduction::kMin), 1);
  EXPECT_EQ(comm.all_reduce(mine, Reduction::kMax), size);
}

TEST_F(CommunicatorTest, AllReduceOfEveryArithmeticType) {
  check_reductions<float>(comm_);
  check_reductions<double>(comm_);
  check_reductions<std::int32_t>(comm_);
  check_reductions<std::int64_t>(comm_);
  check_reductions<std::uint64_t>(comm_);
}

TEST_F(CommunicatorTest, AllReduceOfSpansIsElementwise) {
  std::vector<std::int64_t> values{rank_, 10 * rank_, -rank_};
  comm_.all_reduce(std::span<std::int64_t>(values), Reduction::kMax);
  EXPECT_EQ(values, (std::vector<std::int64_t>{size_ - 1, 10 * (size_ - 1), 0}));
  comm_.all_reduce(std::span<double>(), Reduction::kSum);
}

TEST_F(CommunicatorTest, AllGatherIsInRankOrder) {
  const std::vector<Pair> all = comm_.all_gather(Pair{rank_, 0.5 * rank_});
  ASSERT_EQ(static_cast<int>(all.size()), size_);
  for (int r = 0; r < size_; ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], (Pair{r, 0.5 * r}));
}

TEST_F(CommunicatorTest, AllGatherVConcatenatesUnequalParts) {
  const std::vector<Pair> mine(static_cast<std::size_t>(rank_),
                               Pair{rank_, 1.0});  // rank 0 has none
  std::vector<Pair> expected;
  for (int r = 0; r < size_; ++r)
    expected.insert(expected.end(), static_cast<std::size_t>(r), Pair{r, 1.0});
  EXPECT_EQ(comm_.all_gather_v(std::span<const Pair>(mine)), expected);
  EXPECT_TRUE(comm_.all_gather_v(std::span<const Pair>()).empty());
}

TEST_F(CommunicatorTest, GatherTextOnlyAtTheRoot) {
  const int root = size_ - 1;
  const std::string mine = rank_ == 0 ? "" : std::string("rank ") + std::to_string(rank_);
  const std::vector<std::string> texts = comm_.gather_text(mine, root);
  ASSERT_EQ(static_cast<int>(texts.size()), rank_ == root ? size_ : 0);
  for (std::size_t r = 0; r < texts.size(); ++r)
    EXPECT_EQ(texts[r], r == 0 ? "" : std::string("rank ") + std::to_string(r));
}

/// How many values rank `from` sends to rank `to`: unequal, some zero.
std::int64_t count_between(int from, int to) {
  return (from + 2 * to) % 3;
}

TEST_F(CommunicatorTest, AllToAllVGroupsBySource) {
  std::vector<std::int64_t> send_counts;
  std::vector<std::int32_t> send;
  std::vector<std::int64_t> expected_counts;
  std::vector<std::int32_t> expected;
  for (int other = 0; other < size_; ++other) {
    send_counts.push_back(count_between(rank_, other));
    send.insert(send.end(), static_cast<std::size_t>(send_counts.back()), 100 * rank_ + other);
    expected_counts.push_back(count_between(other, rank_));
    expected.insert(expected.end(), static_cast<std::size_t>(expected_counts.back()),
                    100 * other + rank_);
  }
  const auto got = comm_.all_to_all_v(std::span<const std::int32_t>(send),
                                      std::span<const std::int64_t>(send_counts));
  EXPECT_EQ(got.counts, expected_counts);
  EXPECT_EQ(got.values, expected);
}

TEST_F(CommunicatorTest, AllToAllVOfNothing) {
  const std::vector<std::int64_t> zeros(static_cast<std::size_t>(size_), 0);
  const auto got =
      comm_.all_to_all_v(std::span<const Pair>(), std::span<const std::int64_t>(zeros));
  EXPECT_TRUE(got.values.empty());
  EXPECT_EQ(got.counts, zeros);
}

TEST_F(CommunicatorTest, RowsTravelRoundTheRingAndTagsKeepThemApart) {
  const ElementType row(3 * sizeof(float));
  const std::vector<float> out(6, static_cast<float>(rank_));
  const std::vector<float> other(3, -1.0F);
  std::vector<float> in(6);
  std::vector<float> other_in(3);
  const int next = (rank_ + 1) % size_;
  const int previous = (rank_ + size_ - 1) % size_;
  RequestSet requests;
  comm_.start_send(requests, out.data(), 2, row, next, Tag::kExpand);
  comm_.start_send(requests, other.data(), 1, row, next, Tag::kFold);
  comm_.start_receive(requests, other_in.data(), 1, row, previous, Tag::kFold);
  comm_.start_receive(requests, in.data(), 2, row, previous, Tag::kExpand);
  requests.wait_all();
  EXPECT_EQ(in, std::vector<float>(6, static_cast<float>(previous)));
  EXPECT_EQ(other_in, other);
}

TEST_F(CommunicatorTest, ZeroRowsStartNothing) {
  const ElementType row(8);
  RequestSet requests;
  comm_.start_send(requests, nullptr, 0, row, 0, Tag::kFold);
  comm_.start_receive(requests, nullptr, 0, row, 0, Tag::kFold);
  EXPECT_TRUE(requests.empty());
}

TEST_F(CommunicatorTest, StartAllToAllTransposes) {
  std::vector<std::int32_t> send;
  for (int r = 0; r < size_; ++r) send.push_back(10 * rank_ + r);
  std::vector<std::int32_t> receive(send.size(), -1);
  RequestSet requests;
  comm_.start_all_to_all(requests, send, receive);
  requests.wait_all();
  for (int r = 0; r < size_; ++r) EXPECT_EQ(receive[static_cast<std::size_t>(r)], 10 * r + rank_);
}

TEST_F(CommunicatorTest, FailedCallNamesOperationAndRank) {
  const ElementType word(4);
  RequestSet requests;
  const std::int32_t value = 0;
  try {
    comm_.start_send(requests, &value, 1, word, size_, Tag::kTile);  // no such rank
    ADD_FAILURE() << "sending to rank " << size_ << " of " << size_ << " went through";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("MPI_Isend failed on rank " + std::to_string(rank_)),
              std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(requests.empty());
  EXPECT_NO_THROW(check_mpi(MPI_SUCCESS, "MPI_Nothing"));
}

TEST_F(CommunicatorTest, AgreementOnGoodInputIsSilent) {
  int ran = 0;
  EXPECT_EQ(verdict_of(comm_, [&] { ++ran; }), "");
  EXPECT_EQ(ran, 1);
}

TEST_F(CommunicatorTest, InputErrorOfOneRankIsThatOfAll) {
  for (int culprit = 0; culprit < size_; ++culprit) {
    const std::string got = verdict_of(comm_, [&] {
      if (rank_ == culprit) throw InputError("line " + std::to_string(culprit));
    });
    EXPECT_EQ(got, "input: line " + std::to_string(culprit));
  }
  EXPECT_EQ(comm_.all_reduce(1, Reduction::kSum), size_);  // the ranks are still in step
}

TEST_F(CommunicatorTest, LowestRankSpeaksForAllAndKeepsItsKind) {
  const std::string got = verdict_of(comm_, [&] {
    if (rank_ == 0) throw EnvironmentError("disk full");
    throw InputError("rank " + std::to_string(rank_));
  });
  EXPECT_EQ(got, "environment: disk full");
}

TEST_F(CommunicatorTest, EmptyMessageStillFails) {
  EXPECT_EQ(verdict_of(comm_, [] { throw InputError(""); }), "input: ");
}

TEST_F(CommunicatorTest, OtherExceptionsPassThrough) {
  EXPECT_THROW(agree_on_input(comm_, [] { throw std::logic_error("a bug"); }), std::logic_error);
}

}  // namespace
}  // namespace siren

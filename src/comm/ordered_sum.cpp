// SPDX-License-Identifier: Apache-2.0
#include "comm/ordered_sum.hpp"

#include <algorithm>

namespace siren::inline comm {

template <class Real>
OrderedAllReduce<Real>::OrderedAllReduce(const Communicator& comm, std::int64_t count)
    : comm_(comm.split(0, comm.rank())) {
  SIREN_ASSERT(count >= 0, "a sum of {} values", count);
  const std::int64_t size = comm.size();
  for (std::int64_t r = 0; r < size; ++r) {
    const std::int64_t begin = count * r / size;
    const std::int64_t end = count * (r + 1) / size;
    displacements_.push_back(mpi_count(begin));
    counts_.push_back(mpi_count(end - begin));
  }
  const int slice = counts_[static_cast<std::size_t>(comm.rank())];
  for (std::int64_t r = 0; r < size; ++r) {
    my_counts_.push_back(slice);
    my_displacements_.push_back(mpi_count(r * slice));
  }
  parts_.resize(static_cast<std::size_t>(size * slice));
  slice_.resize(static_cast<std::size_t>(slice));
}

template <class Real>
void OrderedAllReduce<Real>::start(std::span<Real> values) {
  SIREN_ASSERT(stage_ == Stage::kIdle, "a sum is already in flight");
  SIREN_ASSERT(static_cast<int>(values.size()) == displacements_.back() + counts_.back(),
               "{} values", values.size());
  values_ = values;
  if (comm_.size() == 1) {
    stage_ = Stage::kGathering;  // nothing to add: as good as gathered
    return;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(
      MPI_Ialltoallv(values.data(), counts_.data(), displacements_.data(), arithmetic_type<Real>(),
                     parts_.data(), my_counts_.data(), my_displacements_.data(),
                     arithmetic_type<Real>(), comm_.get(), &request),
      "MPI_Ialltoallv");
  requests_.add(request, "sum over ranks", kEveryRank);
  stage_ = Stage::kScattering;
}

template <class Real>
void OrderedAllReduce<Real>::add_and_gather() {
  const std::size_t slice = slice_.size();
  std::copy_n(parts_.begin(), slice, slice_.begin());
  for (std::size_t r = 1; r < my_counts_.size(); ++r)
    for (std::size_t i = 0; i < slice; ++i) slice_[i] += parts_[r * slice + i];
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallgatherv(slice_.data(), mpi_count(static_cast<std::int64_t>(slice)),
                            arithmetic_type<Real>(), values_.data(), counts_.data(),
                            displacements_.data(), arithmetic_type<Real>(), comm_.get(), &request),
            "MPI_Iallgatherv");
  requests_.add(request, "sum over ranks", kEveryRank);
  stage_ = Stage::kGathering;
}

template <class Real>
void OrderedAllReduce<Real>::progress() {
  if (stage_ == Stage::kIdle || !requests_.test_all()) return;
  if (stage_ == Stage::kScattering)
    add_and_gather();
  else
    stage_ = Stage::kIdle;
}

template <class Real>
void OrderedAllReduce<Real>::finish() {
  if (stage_ == Stage::kScattering) {
    requests_.wait_all();
    add_and_gather();
  }
  requests_.wait_all();
  stage_ = Stage::kIdle;
}

template <class Real>
SentBytes OrderedAllReduce<Real>::bytes_sent() const {
  SentBytes sent;
  for (int r = 0; r < comm_.size(); ++r) {
    if (r == comm_.rank()) continue;
    const std::int64_t values = counts_[static_cast<std::size_t>(r)] + std::ssize(slice_);
    sent.add(values * static_cast<std::int64_t>(sizeof(Real)), comm_.shares_node(r));
  }
  return sent;
}

template class OrderedAllReduce<float>;
template class OrderedAllReduce<double>;

}  // namespace siren::inline comm

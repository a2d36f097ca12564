// SPDX-License-Identifier: Apache-2.0
#include "siren/comm/request_set.hpp"

#include <exception>
#include <utility>

#include "siren/comm/communicator.hpp"

namespace siren {

RequestSet::~RequestSet() {
  complete();
}

RequestSet& RequestSet::operator=(RequestSet&& other) noexcept {
  if (this == &other) return *this;
  complete();
  requests_ = std::exchange(other.requests_, {});
  return *this;
}

void RequestSet::complete() noexcept {
  if (requests_.empty() || std::uncaught_exceptions() > 0) return;
  MPI_Waitall(mpi_count(static_cast<std::int64_t>(requests_.size())), requests_.data(),
              MPI_STATUSES_IGNORE);
}

bool RequestSet::test_all() {
  if (requests_.empty()) return true;
  int done = 0;
  check_mpi(MPI_Testall(mpi_count(static_cast<std::int64_t>(requests_.size())), requests_.data(),
                        &done, MPI_STATUSES_IGNORE),
            "MPI_Testall");
  if (done != 0) requests_.clear();
  return done != 0;
}

void RequestSet::wait_all() {
  if (requests_.empty()) return;
  check_mpi(MPI_Waitall(mpi_count(static_cast<std::int64_t>(requests_.size())), requests_.data(),
                        MPI_STATUSES_IGNORE),
            "MPI_Waitall");
  requests_.clear();
}

}  // namespace siren

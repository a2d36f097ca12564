// SPDX-License-Identifier: Apache-2.0
#include "siren/datatype.hpp"

#include "siren/communicator.hpp"

namespace siren::inline comm {

namespace {

/// A program of one process sends nothing and has not started MPI.
bool mpi_runs() {
  int begun = 0;
  int finalized = 0;
  MPI_Initialized(&begun);
  MPI_Finalized(&finalized);
  return begun != 0 && finalized == 0;
}

}  // namespace

ElementType::ElementType(std::size_t bytes) {
  if (!mpi_runs()) return;
  check_mpi(MPI_Type_contiguous(mpi_count(static_cast<std::int64_t>(bytes)), MPI_BYTE, &type_),
            "MPI_Type_contiguous");
  check_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
}

ElementType::ElementType(std::size_t bytes, std::size_t stride) {
  if (!mpi_runs()) return;
  const ElementType row(bytes);
  check_mpi(MPI_Type_create_resized(row.get(), 0, static_cast<MPI_Aint>(stride), &type_),
            "MPI_Type_create_resized");
  check_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
}

ElementType::~ElementType() {
  if (type_ != MPI_DATATYPE_NULL && mpi_runs()) MPI_Type_free(&type_);
}

}  // namespace siren::inline comm

// SPDX-License-Identifier: Apache-2.0
#include "siren/comm/datatype.hpp"

#include "siren/comm/communicator.hpp"

namespace siren {

ElementType::ElementType(std::size_t bytes) {
  check_mpi(MPI_Type_contiguous(mpi_count(static_cast<std::int64_t>(bytes)), MPI_BYTE, &type_),
            "MPI_Type_contiguous");
  check_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
}

ElementType::ElementType(std::size_t bytes, std::size_t stride) {
  const ElementType row(bytes);
  check_mpi(MPI_Type_create_resized(row.get(), 0, static_cast<MPI_Aint>(stride), &type_),
            "MPI_Type_create_resized");
  check_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
}

ElementType::~ElementType() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized == 0) MPI_Type_free(&type_);
}

}  // namespace siren

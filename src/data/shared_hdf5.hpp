// SPDX-License-Identifier: Apache-2.0
// An HDF5 file of plain arrays that all ranks write together and that appears whole or not at all.
// Rank 0 makes it with all its space; the arrays are contiguous and little-endian, so that ranks
// then write their bytes where HDF5 says they lie, without HDF5.
//
//   SharedHdf5 file(comm, "e.h5", {{"users/z", Hdf5Type::kFloat, rows, d}}, set_attributes);
//   file.write("users/z", first_row * d * 4, producer);
//   file.publish();
//
// All calls are collective and fail alike on all ranks, as those of SharedFile.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/id_arrays.hpp"
#include "io/hdf5_file.hpp"
#include "io/shared_file.hpp"

namespace siren::inline data {

enum class Hdf5Type { kFloat, kInt32, kInt64, kByte };

struct Hdf5Array {
  std::string name;
  Hdf5Type type;
  std::int64_t rows;
  std::int64_t columns = 0;  // 0: one-dimensional; else kFloat
};

class SharedHdf5 {
 public:
  /// The same arrays on all ranks; `describe` is called on rank 0, to set attributes.
  SharedHdf5(const Communicator& comm, const std::string& path, std::span<const Hdf5Array> arrays,
             const std::function<void(Hdf5File&)>& describe);

  /// What each rank produces, from its own byte `begin` of an array on.
  void write(const std::string& array, std::int64_t begin, const Producer& producer);

  /// Copies both arrays of the ids, which must be there under the same names.
  void copy_ids(const Hdf5File& from, const IdArrays& ids);

  void publish() { file_.publish(); }

 private:
  void make(std::span<const Hdf5Array> arrays, const std::function<void(Hdf5File&)>& describe);

  template <class T>
  void copy(const Hdf5File& from, const char* array);

  Communicator comm_;
  SharedFile file_;
  std::vector<std::string> names_;
  std::vector<std::int64_t> offsets_;  // of their first bytes in the file
};

}  // namespace siren::inline data

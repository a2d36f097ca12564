// SPDX-License-Identifier: Apache-2.0
// Rows of a table in compressed chunks (`--checkpoint-compression`), unpacked here: HDF5 would let a
// forged chunk of some kilobytes grow until there is no memory left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hdf5.h>

#include "siren/ids.hpp"

namespace siren::inline io {

class PackedRows {
 public:
  /// Borrows a dataset that check_rows_stored() has let pass (io/hdf5_checks.hpp).
  PackedRows(hid_t dataset, std::string name, std::string path);

  /// Packed, as values of `value_bytes`. InputError if a chunk is not what one of ours would be.
  void read(const RowRange& window, char* values, std::size_t value_bytes);

 private:
  void unpack(std::int64_t number);

  hid_t dataset_;
  std::string name_;
  std::string path_;
  std::size_t value_bytes_ = 0;  // in the file
  std::int64_t columns_ = 0;
  std::int64_t chunk_rows_ = 0;
  std::vector<H5Z_filter_t> filters_;
  std::vector<char> packed_;
  std::vector<char> other_;
  std::vector<char> chunk_;
};

}  // namespace siren::inline io

// SPDX-License-Identifier: Apache-2.0
// One [rows x columns] dataset of fp32 or fp64 in an HDF5 file, read and written by whole rows.
#pragma once

#include <cstdint>
#include <string>

#include "io/hdf5_file.hpp"
#include "io/hdf5_handle.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

struct RowShape {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t value_bytes;  // 4: float, 8: double
};

/// How rows are stored: contiguous, or in chunks of `chunk_rows` rows, each compressed.
struct RowStorage {
  std::int64_t chunk_rows = 0;  // 0: contiguous, allocated at once and never filled
  int compression = 0;          // deflate level
};

/// Groups on the way are created. One process.
void create_row_dataset(const Hdf5File& file, const std::string& name, const RowShape& shape,
                        const RowStorage& storage);

class RowDataset {
 public:
  /// EnvironmentError if it cannot be opened.
  RowDataset(const Hdf5File& file, const std::string& name);

  /// The same for a file that is not trusted: InputError unless it is there, and stored as
  /// create_row_dataset() does it (io/hdf5_checks.hpp).
  static RowDataset open_to_read(const Hdf5File& file, const std::string& name);

  /// {0, 0} unless two-dimensional.
  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  bool in_chunks() const { return in_chunks_; }

  /// Rows [window.begin, window.end), packed, of values of `value_bytes`. `transfer` is H5P_DEFAULT
  /// or a transfer property list; if that says collective, every rank must call, also with an empty
  /// window.
  void write(const RowRange& window, const char* values, std::int64_t value_bytes,
             hid_t transfer) const;
  void read(const RowRange& window, char* values, std::int64_t value_bytes) const;

 private:
  Hdf5Handle select(const RowRange& window) const;
  Hdf5Handle memory_of(const RowRange& window) const;

  std::string path_;
  std::string name_;
  std::string place_;
  Hdf5Handle dataset_;
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  bool in_chunks_ = false;
};

}  // namespace siren::inline data

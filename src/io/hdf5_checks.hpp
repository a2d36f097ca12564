// SPDX-License-Identifier: Apache-2.0
// What is asked of an HDF5 file before anything in it is believed. Checksums protect against
// accidents only: anyone can compute them. So type, shape and storage of everything that is read
// are compared here with what the formats say (data/README.md); no size is taken from a file that
// its own length does not vouch for, and nothing is followed out of the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "io/hdf5_handle.hpp"

namespace siren::inline io {

/// Longer texts are no attributes of ours (HDF5 itself keeps larger ones elsewhere).
inline constexpr std::size_t kMostTextBytes = std::size_t{1} << 16;

/// InputError: "PATH is damaged: HOW; ...".
[[noreturn]] void damaged(std::string_view path, std::string_view how);

/// Runs read(): what HDF5 cannot make sense of is damage of `path`; what the system refused, an
/// unreadable disk say, stays an EnvironmentError.
template <class Read>
auto reading_hdf5(std::string_view path, const Read& read) {
  try {
    return read();
  } catch (const Hdf5Error& error) {
    if (error.by_system()) throw;
    damaged(path, error.what());
  }
}

/// False if `file` has nothing of that name; damage if a link on the way leads elsewhere.
bool is_inside(hid_t file, const std::string& name, std::string_view path);

/// One value of class H5T_INTEGER, H5T_FLOAT or H5T_STRING (of fixed length).
void check_attribute(hid_t attribute, H5T_class_t kind, const std::string& name,
                     std::string_view path);

/// What a dataset must consist of.
struct NumberType {
  H5T_class_t kind;
  std::size_t bytes;
  bool has_sign;
};
void check_type(hid_t dataset, const NumberType& expected, const std::string& name,
                std::string_view path);

/// fp32 or fp64.
void check_reals(hid_t dataset, const std::string& name, std::string_view path);

/// Its extent, if it has `rank` dimensions.
std::vector<hsize_t> checked_extent(hid_t dataset, int rank, const std::string& name,
                                    std::string_view path);

/// Contiguous, as it is, with room in the file for all its elements.
void check_contiguous(hid_t dataset, const std::string& name, std::string_view path);
/// Contiguous, or a table in chunks of whole rows that are shuffled and deflated at most.
void check_rows_stored(hid_t dataset, const std::string& name, std::string_view path);

}  // namespace siren::inline io

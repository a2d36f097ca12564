// SPDX-License-Identifier: Apache-2.0
// Hostile HDF5 files: changes of a good one that HDF5 itself takes for well-formed, and changes of
// its bytes.
#pragma once

#include <span>
#include <string>

#include "fuzz/target.hpp"

namespace siren::fuzz {

/// One to some changes of attributes of the root group and of the named datasets: their values,
/// types, shapes, storage, or what stands in their place. A change that HDF5 refuses is left out.
void change_hdf5(const std::string& path, std::span<const std::string> datasets, Choices& choices);

/// Overwrites some bytes from `first` on; perhaps none.
void change_bytes(const std::string& path, std::int64_t first, Choices& choices);

/// Whether bytes of HDF5's own structures are changed as well: SIREN_FUZZ_STRUCTURES in the
/// environment. What the library makes of those is not ours to mend.
bool structures_too();

}  // namespace siren::fuzz

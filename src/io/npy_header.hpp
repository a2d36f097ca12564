// SPDX-License-Identifier: Apache-2.0
// What stands before the values in a .npy file of NumPy.
#pragma once

#include <cstdint>
#include <string>

namespace siren::inline io {

/// For [rows x columns] little-endian floats in C order; format version 1.0. Its length is a
/// multiple of 64.
std::string npy_header(std::int64_t rows, std::int64_t columns);

}  // namespace siren::inline io

// SPDX-License-Identifier: Apache-2.0
#include "io/npy_header.hpp"

#include <fmt/format.h>

namespace siren::inline io {

std::string npy_header(std::int64_t rows, std::int64_t columns) {
  constexpr std::size_t kPreamble = 10;  // magic, version, length of the text
  constexpr std::size_t kAlignment = 64;
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  text.resize((kPreamble + text.size() + kAlignment) / kAlignment * kAlignment - kPreamble, ' ');
  text.back() = '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xFFU);
  header += static_cast<char>(text.size() >> 8U);
  return header + text;
}

}  // namespace siren::inline io

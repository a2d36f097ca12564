// SPDX-License-Identifier: Apache-2.0
// The block hashes beside a checkpoint. Unless the first byte of the input is odd, the last line is
// made the right hash of the lines before.
#include <string>

#include <fmt/format.h>
#include <xxhash.h>

#include "fuzz/target.hpp"
#include "io/block_hashes.hpp"

namespace siren::fuzz {

void try_input(Bytes input) {
  if (input.empty()) return;
  std::string text(text_of(input.subspan(1)));
  if (input[0] % 2 == 0) text += fmt::format("{:016x}\n", XXH3_64bits(text.data(), text.size()));
  const std::string path = scratch("c.h5");
  if (input[0] % 4 < 2)
    write_scratch("c.h5", input.first(1));
  else
    write_scratch("c.h5", {});
  write_scratch("c.h5.hashes", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  evaluate([&] { verify_block_hashes(alone(), path); });
}

}  // namespace siren::fuzz

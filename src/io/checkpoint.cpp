// SPDX-License-Identifier: Apache-2.0
#include "siren/io/checkpoint.hpp"

#include <fmt/format.h>

#include "siren/core/error.hpp"

namespace siren::inline io {

std::string_view name_of(CheckpointIo io) {
  return io == CheckpointIo::kCollective ? "collective" : "independent";
}

std::optional<CheckpointIo> checkpoint_io_from(std::string_view name) {
  for (const CheckpointIo io : {CheckpointIo::kIndependent, CheckpointIo::kCollective})
    if (name_of(io) == name) return io;
  return std::nullopt;
}

void validate(const CheckpointOptions& options) {
  SIREN_ASSERT(options.compression >= 0 && options.compression <= 9, "compression {}",
               options.compression);
  if (options.compression > 0 && options.io != CheckpointIo::kCollective)
    throw InputError(
        fmt::format("--checkpoint-compression {} needs --checkpoint-io collective: HDF5 can "
                    "compress what several ranks write only if they write together",
                    options.compression));
}

}  // namespace siren::inline io

// SPDX-License-Identifier: Apache-2.0
// Instruction sets the kernels are compiled for. One level is agreed by all ranks at start, because
// results differ in the last bits between levels.
#pragma once

#include "siren/config.hpp"

namespace siren::inline math {

enum class Isa : int { kPortable = 0, kAvx2 = 1, kAvx512 = 2 };

const char* name_of(Isa isa);

/// The best level that this binary contains.
Isa most_isa();

/// The best level that this binary contains and this processor has.
Isa best_isa();

/// kAuto is best_isa(). InputError if the level is not available here.
Isa resolve(IsaChoice choice);

}  // namespace siren::inline math

// SPDX-License-Identifier: Apache-2.0
#include "math/isa.hpp"

#include <fmt/format.h>

#include "siren/error.hpp"

namespace siren::inline math {

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return "portable";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "?";
}

Isa most_isa() {
#ifdef SIREN_X86_KERNELS
  return Isa::kAvx512;
#else
  return Isa::kPortable;
#endif
}

Isa best_isa() {
#ifdef SIREN_X86_KERNELS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return Isa::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::kAvx2;
#endif
  return Isa::kPortable;
}

Isa resolve(IsaChoice choice) {
  const Isa best = best_isa();
  if (choice == IsaChoice::kAuto) return best;
  const auto isa = static_cast<Isa>(static_cast<int>(choice) - 1);
  if (isa > best)
    throw InputError(
        fmt::format("--isa {}: this processor or build offers no more than {}; use --isa auto",
                    name_of(choice), name_of(best)));
  return isa;
}

}  // namespace siren::inline math

// SPDX-License-Identifier: Apache-2.0
#include "math/kernels.hpp"

#include "siren/check.hpp"

namespace siren::inline math {

#define SIREN_DECLARE_KERNELS(isa)  \
  namespace isa {                   \
  extern const Kernels<Fp32> kFp32; \
  extern const Kernels<Bf16> kBf16; \
  extern const Kernels<Fp64> kFp64; \
  }
SIREN_DECLARE_KERNELS(portable)
#ifdef SIREN_X86_KERNELS
SIREN_DECLARE_KERNELS(avx2)
SIREN_DECLARE_KERNELS(avx512)
#endif
#undef SIREN_DECLARE_KERNELS

namespace {

template <class Precision>
const Kernels<Precision>& choose(Isa isa, const Kernels<Precision>* const (&tables)[3]) {
  const Kernels<Precision>* table = tables[static_cast<int>(isa)];
  SIREN_ASSERT(table != nullptr, "no kernels for {}", name_of(isa));
  return *table;
}

}  // namespace

#ifdef SIREN_X86_KERNELS
#define SIREN_TABLES(name) \
  { &portable::name, &avx2::name, &avx512::name }
#else
#define SIREN_TABLES(name) \
  { &portable::name, nullptr, nullptr }
#endif

template <>
const Kernels<Fp32>& kernels<Fp32>(Isa isa) {
  return choose<Fp32>(isa, SIREN_TABLES(kFp32));
}
template <>
const Kernels<Bf16>& kernels<Bf16>(Isa isa) {
  return choose<Bf16>(isa, SIREN_TABLES(kBf16));
}
template <>
const Kernels<Fp64>& kernels<Fp64>(Isa isa) {
  return choose<Fp64>(isa, SIREN_TABLES(kFp64));
}

}  // namespace siren::inline math

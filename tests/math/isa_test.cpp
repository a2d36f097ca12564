// SPDX-License-Identifier: Apache-2.0
#include "math/isa.hpp"

#include <gtest/gtest.h>

#include "math/kernels.hpp"
#include "siren/error.hpp"

namespace siren {
namespace {

TEST(Isa, AutoIsTheBestAndEveryLevelUpToItHasKernels) {
  EXPECT_EQ(resolve(IsaChoice::kAuto), best_isa());
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    const IsaChoice choice = value_named<IsaChoice>(name_of(isa)).value();
    if (isa > best_isa()) {
      EXPECT_THROW(resolve(choice), InputError);
      continue;
    }
    EXPECT_EQ(resolve(choice), isa);
    EXPECT_NE(kernels<Fp32>(isa).multiply, nullptr);
    EXPECT_NE(kernels<Bf16>(isa).multiply, nullptr);
    EXPECT_NE(kernels<Fp64>(isa).multiply, nullptr);
  }
}

}  // namespace
}  // namespace siren

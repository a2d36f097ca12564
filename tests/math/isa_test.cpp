// SPDX-License-Identifier: Apache-2.0
#include "math/isa.hpp"

#include <gtest/gtest.h>

#include "math/kernels.hpp"
#include "siren/error.hpp"

namespace siren {
namespace {

TEST(Isa, AutoIsTheBestAndEveryLevelUpToItHasKernels) {
  EXPECT_EQ(parse_isa("auto"), best_isa());
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > best_isa()) {
      EXPECT_THROW(parse_isa(name_of(isa)), InputError);
      continue;
    }
    EXPECT_EQ(parse_isa(name_of(isa)), isa);
    EXPECT_NE(kernels<Fp32>(isa).multiply, nullptr);
    EXPECT_NE(kernels<Bf16>(isa).multiply, nullptr);
    EXPECT_NE(kernels<Fp64>(isa).multiply, nullptr);
  }
}

TEST(Isa, AnUnknownNameIsTheUsersMistake) {
  for (const char* name : {"", "avx", "AVX2", "sse"}) {
    try {
      parse_isa(name);
      FAIL() << name;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("--isa"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace siren

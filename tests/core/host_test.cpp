// SPDX-License-Identifier: Apache-2.0
#include "siren/core/host.hpp"

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(Host, HasANameWithoutADomain) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_EQ(host_name().find('.'), std::string::npos);
}

}  // namespace
}  // namespace siren

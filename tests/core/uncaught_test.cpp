// SPDX-License-Identifier: Apache-2.0
#include "core/uncaught.hpp"

#include <csignal>
#include <new>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace siren {
namespace {

template <class Error>
void throw_on_another_thread(const Error& error) {
  explain_uncaught_shortage();
  std::thread([&] { throw error; }).join();
}

TEST(UncaughtDeathTest, AShortageEndsTheProcessWithASentence) {
  EXPECT_EXIT(throw_on_another_thread(std::bad_alloc()), ::testing::ExitedWithCode(1),
              "siren: out of memory");
}

TEST(UncaughtDeathTest, AnyOtherErrorAborts) {
  EXPECT_EXIT(throw_on_another_thread(std::runtime_error("another")),
              ::testing::KilledBySignal(SIGABRT), "siren: another");
}

}  // namespace
}  // namespace siren

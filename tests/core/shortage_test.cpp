// SPDX-License-Identifier: Apache-2.0
#include "core/shortage.hpp"

#include <new>
#include <stdexcept>
#include <system_error>

#include <gmock/gmock.h>

#include "core/heartbeat.hpp"

namespace siren {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Shortage, OfMemorySaysWhatHowMuchAndWhatToDo) {
  const Activity activity("loading");
  note_refused_memory(573'000'000);
  EXPECT_THAT(explain(std::bad_alloc()),
              AllOf(HasSubstr("out of memory in loading"), HasSubstr("573.0 MB more were refused"),
                    HasSubstr("are mapped"), HasSubstr("more nodes")));
}

TEST(Shortage, OfThreadsNamesTheLimit) {
  const std::system_error error(std::make_error_code(std::errc::resource_unavailable_try_again));
  EXPECT_THAT(explain(error), AllOf(HasSubstr("Resource temporarily unavailable"),
                                    HasSubstr("ulimit -u"), HasSubstr("--threads")));
}

TEST(Shortage, IsNotSeenInOtherErrors) {
  EXPECT_EQ(explain(std::runtime_error("as it is")), "as it is");
  const std::system_error other(std::make_error_code(std::errc::no_such_file_or_directory));
  EXPECT_EQ(explain(other), other.what());
}

}  // namespace
}  // namespace siren

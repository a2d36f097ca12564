// SPDX-License-Identifier: Apache-2.0
#include "core/settings.hpp"

#include <string>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::HasSubstr;

std::string value_in(const std::string& text) {
  return Settings::parse(text, "f").value_of("key");
}

TEST(Settings, AreReadAsTheyWerePrinted) {
  Settings settings;
  for (const char* value : {"plain", "a #b.h5", "#", "# x", "a#b", " led by a blank",
                            "ends\twith a tab\t", "", "\"", "\"\"", "\"quoted\"", "a \"b\" c",
                            "a\" # b", "\"a\" # b \"c\"", "a = b", "=", "\\", "é", "''"})
    settings.add("key", value);
  settings.add("key", "the last wins");
  const Settings back = Settings::parse(settings.print(), "f");
  EXPECT_EQ(back, settings) << settings.print();
  EXPECT_EQ(back.value_of("key"), "the last wins");
  EXPECT_EQ(back.value_of("other"), "");
}

TEST(Settings, LeaveCommentsOut) {
  const Settings settings = Settings::parse(
      "# a = b\n\n  model = siren # = c\r\n\tdata=\"a #b.h5\" # of \"mine\"\n", "f");
  ASSERT_EQ(settings.all().size(), 2U);
  EXPECT_EQ(settings.all()[0], (Setting{"model", "siren"}));
  EXPECT_EQ(settings.all()[0].line, 3);
  EXPECT_EQ(settings.all()[1], (Setting{"data", "a #b.h5"}));
  EXPECT_EQ(settings.all()[1].line, 4);
}

TEST(Settings, ReadWhatVersion010Wrote) {
  EXPECT_EQ(value_in("key = \"a\"b #c\"\n"), "a\"b #c") << "marks inside a value were not doubled";
  EXPECT_EQ(value_in("key = \"ab\"\"\n"), "ab\"");
  EXPECT_EQ(value_in("key = \"half\n"), "\"half");
}

TEST(Settings, NameTheLineThatIsNone) {
  EXPECT_EQ(input_error([] { Settings::parse("a = b\n\nwords\n", "run.ini"); }),
            "run.ini:3: expected key = value");
  EXPECT_THAT(input_error([] { Settings::parse("words # a = b\n", "f"); }),
              HasSubstr("f:1: expected"));
}

TEST(Settings, RefuseWhatALineCannotHold) {
  for (const char* value : {"a\nb = c", "a\r"}) {
    Settings settings;
    settings.add("key", value);
    EXPECT_THAT(input_error([&] { (void)settings.print(); }), HasSubstr("key holds a line end"))
        << value;
  }
}

}  // namespace
}  // namespace siren

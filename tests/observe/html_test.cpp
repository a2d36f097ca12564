// SPDX-License-Identifier: Apache-2.0
#include "observe/html.hpp"

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Escaped, LeavesNoMarkup) {
  EXPECT_EQ(escaped("<script>\"a\" & 'b'</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
}

TEST(Escaped, KeepsWholeCharactersOnly) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("na\xC3\xAFve \xE2\x98\x83 \xF0\x9F\x90\x9F"),
            "na\xC3\xAFve \xE2\x98\x83 \xF0\x9F\x90\x9F");
  EXPECT_EQ(escaped("a\xFF"
                    "b\xC3"),
            "a" + replaced + "b" + replaced);
  EXPECT_EQ(escaped("\xC0\xAF"), replaced + replaced);                 // overlong
  EXPECT_EQ(escaped("\xED\xA0\x80"), replaced + replaced + replaced);  // surrogate
  EXPECT_EQ(escaped(std::string_view("a\0\x1B\n", 4)), "a" + replaced + replaced + "\n");
}

TEST(TableHtml, HeadsRowsAndSetsNumbersRight) {
  const std::string html =
      table_html({"<caption>", {"name", "value"}, {{{"a&b"}, number_cell("1")}}});
  EXPECT_THAT(html, HasSubstr("<caption>&lt;caption&gt;</caption>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">a&amp;b</th><td class=\"n\">1</td>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\" class=\"n\">value</th>"));
}

TEST(LegendHtml, DrawsLinesAndAreas) {
  EXPECT_THAT(legend_html({{"run", "s1", true}}), HasSubstr("class=\"line s1\""));
  const std::string area = legend_html({{"sample", "sample"}});
  EXPECT_THAT(area, HasSubstr("<rect class=\"sample\""));
  EXPECT_THAT(area, Not(HasSubstr("line")));
}

}  // namespace
}  // namespace siren

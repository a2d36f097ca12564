// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl of a run directory: as report and info read it.
#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include "events/json.hpp"
#include "fuzz/target.hpp"
#include "observe/report_page.hpp"
#include "observe/run_report.hpp"

namespace siren::fuzz {

void try_input(Bytes input) {
  evaluate([&] {
    std::istringstream lines{std::string(text_of(input))};
    std::vector<RunRecord> runs(1);
    runs[0].name = "run";
    runs[0].settings = {{"model", "siren"}, {"dim", "64"}};
    read_metrics(lines, "metrics.jsonl", runs[0]);
    report_page(runs, {{"dim", "32"}});
    runs.push_back(runs[0]);
    report_page(runs, {});
  });
  std::filesystem::create_directory(scratch("run"));
  write_scratch("run/config.ini", {});
  write_scratch("run/metrics.jsonl", input);
  evaluate([&] {
    const nlohmann::ordered_json json = run_as_json(alone(), scratch("run"), false);
    describe_run(json);
    json_line(json);
  });
}

}  // namespace siren::fuzz

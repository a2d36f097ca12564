// SPDX-License-Identifier: Apache-2.0
// config.ini of a run directory: as train, info and report read it.
#include <filesystem>

#include <nlohmann/json.hpp>

#include "app/stored_model.hpp"
#include "fuzz/target.hpp"
#include "observe/model_file_report.hpp"
#include "observe/run_record.hpp"

namespace siren::fuzz {

namespace {

/// What a run would store for this configuration.
std::string stored_text(RunConfig config) {
  OptionParser options("train", "", "");
  declare_run_options(options, config);
  return options.config_text();
}

}  // namespace

void try_input(Bytes input) {
  std::filesystem::create_directory(scratch("run"));
  write_scratch("run/config.ini", input);
  evaluate([&] {
    const RunConfig config = stored_config(scratch("run"));
    validate(config);
    const std::string text = stored_text(config);
    write_scratch("run/config.ini",
                  {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    require(stored_text(stored_config(scratch("run"))) == text,
            "what was stored is read differently");
  });
  evaluate([&] {
    const std::string text(text_of(input));
    const Settings settings = Settings::parse(text, "config.ini");
    require(Settings::parse(settings.print(), "again") == settings,
            "what was printed is read differently");
    essential_settings(text, "config.ini");
  });
}

}  // namespace siren::fuzz

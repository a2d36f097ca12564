// SPDX-License-Identifier: Apache-2.0
#include "io/output_guard.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <regex>
#include <system_error>

#include <fmt/format.h>

#include "io/atomic_file.hpp"
#include "io/checkpoint_pointer.hpp"
#include "io/checksummed_header.hpp"
#include "io/plain_file.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline io {

namespace {

constexpr std::size_t kHead = std::size_t{1} << 16;
constexpr std::int64_t kTail = 4096;

/// As much of a file as tells its kind.
struct Ends {
  std::string path;
  std::string head;
  std::string tail;

  bool begins(std::string_view with) const { return head.starts_with(with); }
  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

/// The name of the attribute lies near the beginning: it is the first that is set.
bool is_hdf5_with(const Ends& ends, std::string_view attribute) {
  return ends.begins("\x89HDF\r\n\x1a\n") && ends.has(attribute);
}

/// Users ascend, and so do the items of each: ratings of others may be written alike, but seldom in
/// this order.
bool is_synth(const Ends& ends) {
  static const std::regex rating("[1-9][0-9]{0,9},[1-9][0-9]{0,9},[1-5]");
  constexpr int kLines = 1000;
  long long last_user = 0;
  long long last_item = 0;
  int lines = 0;
  std::size_t begin = ends.begins("user,item,rating\n") ? ends.head.find('\n') + 1 : 0;
  for (std::size_t end = 0;
       lines < kLines && (end = ends.head.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string line = ends.head.substr(begin, end - begin);
    constexpr std::size_t kLongest = 24;
    if (line.size() > kLongest || !std::regex_match(line, rating)) return false;
    const long long user = std::stoll(line);
    const long long item = std::stoll(line.substr(line.find(',') + 1));
    if (user < last_user || (user == last_user && item <= last_item)) return false;
    last_user = user;
    last_item = item;
    ++lines;
  }
  return lines > 0;
}

bool is_word_vectors(const Ends& ends) {
  const std::size_t end = std::min(ends.head.find('\n'), ends.head.size());
  const std::string_view rest = std::string_view(ends.head).substr(end);
  static const std::regex sizes("[0-9]{1,12} [0-9]{1,6}");
  return end < 20 && std::regex_match(ends.head.substr(0, end), sizes) &&
         (rest.starts_with("\nuser:") || rest.starts_with("\nitem:"));
}

struct Rule {
  FileKind kind;
  std::string_view description;
  bool (*is)(const Ends& ends);
};

constexpr std::array kRules = {
    Rule{FileKind::kDataset, "a dataset file", [](const Ends& e) { return has_header(e.path); }},
    Rule{FileKind::kCheckpoint, "a checkpoint",
         [](const Ends& e) { return is_hdf5_with(e, "siren_checkpoint"); }},
    Rule{FileKind::kEmbeddings, "a file of embeddings in HDF5",
         [](const Ends& e) { return is_hdf5_with(e, "siren_embeddings"); }},
    Rule{FileKind::kWordVectors, "a file of embeddings as word2vec text", is_word_vectors},
    Rule{FileKind::kLists, "a file of lists in HDF5",
         [](const Ends& e) { return is_hdf5_with(e, "siren_lists"); }},
    Rule{FileKind::kListsCsv, "a file of lists as CSV",
         [](const Ends& e) {
           return e.begins("user,rank,item,score,source\n") ||
                  e.begins("item,rank,similar,score\n");
         }},
    Rule{FileKind::kListsJsonl, "a file of lists as JSON lines",
         [](const Ends& e) {
           return (e.begins("{\"user\":\"") && e.has(",\"items\":[")) ||
                  (e.begins("{\"item\":\"") && e.has(",\"similar\":["));
         }},
    Rule{FileKind::kRatings, "a file of ratings made by siren synth", is_synth},
    Rule{FileKind::kReport, "a report of siren",
         [](const Ends& e) {
           return e.begins("<!DOCTYPE html>\n") &&
                  e.tail.find("<footer>Made by siren ") != std::string::npos;
         }},
    Rule{FileKind::kConfig, "a configuration of siren",
         [](const Ends& e) {
           return e.begins("data = ") || e.begins("# content of the data set: ");
         }},
    Rule{FileKind::kEvents, "the metrics of a run",
         [](const Ends& e) { return e.begins("{\"event\":\""); }},
    Rule{FileKind::kResultsCsv, "a table of results of siren cv or siren tune",
         [](const Ends& e) {
           return e.begins("variation,metric,runs,mean,sd,") || e.begins("candidate,options,");
         }},
    Rule{FileKind::kResultsJson, "the results of siren cv or siren tune",
         [](const Ends& e) {
           return e.begins("{\n \"variations\": {") || e.begins("{\n \"chosen\": ");
         }},
    Rule{FileKind::kMachine, "a description of a machine",
         [](const Ends& e) { return e.begins("# A machine as siren bench measured it"); }},
    Rule{FileKind::kEmpty, "empty", [](const Ends& e) { return e.head.empty(); }},
    Rule{FileKind::kOther, "another file", [](const Ends& /*any*/) { return true; }}};

}  // namespace

FileKind file_kind(const std::string& path) {
  Ends ends;
  ends.path = path;
  try {
    const PlainFile file(path);
    ends.head.resize(kHead);
    ends.head.resize(file.read(ends.head.data(), ends.head.size(), 0));
    ends.tail.resize(static_cast<std::size_t>(kTail));
    const std::int64_t from = std::max<std::int64_t>(0, file.length() - kTail);
    ends.tail.resize(file.read(ends.tail.data(), ends.tail.size(), from));
  } catch (const std::exception&) {
    return FileKind::kOther;
  }
  return std::find_if(kRules.begin(), kRules.end(), [&](const Rule& rule) { return rule.is(ends); })
      ->kind;
}

std::string_view describe(FileKind kind) {
  return std::find_if(kRules.begin(), kRules.end(),
                      [&](const Rule& rule) { return rule.kind == kind; })
      ->description;
}

namespace fs = std::filesystem;

namespace {

/// Other programs have a config.ini and a folder named checkpoints, too.
bool is_run(const fs::path& directory) {
  std::error_code error;
  const fs::path config = directory / "config.ini";
  const fs::path metrics = directory / "metrics.jsonl";
  const fs::path checkpoints = directory / "checkpoints";
  if (!fs::is_regular_file(config, error)) return false;
  const bool has_metrics = fs::is_regular_file(metrics, error);
  if (has_metrics && file_kind(metrics.string()) == FileKind::kEvents) return true;
  if (!checkpoint_steps_in(checkpoints.string()).empty()) return true;
  return (has_metrics || fs::is_directory(checkpoints, error)) &&
         file_kind(config.string()) == FileKind::kConfig;
}

/// Of the directories above `path`, links followed, the lowest that holds a run.
std::optional<fs::path> run_around(const fs::path& path) {
  std::error_code error;
  fs::path directory = fs::weakly_canonical(fs::absolute(path, error), error).parent_path();
  for (; !directory.empty(); directory = directory.parent_path()) {
    if (is_run(directory)) return directory;
    if (directory == directory.root_path()) break;
  }
  return std::nullopt;
}

void refuse_inside_run(const std::string& path, const fs::path& target, bool is_report) {
  const std::optional<fs::path> run = run_around(target);
  if (!run) return;
  std::error_code error;
  if (is_report && fs::weakly_canonical(fs::absolute(target, error), error) == *run / "report.html")
    return;
  throw InputError(
      fmt::format("cannot write {}: {} is the directory of a run, which holds only what training "
                  "writes; choose a place outside it",
                  path, run->string()));
}

void refuse_other_kind(const std::string& path, const std::string& target, FileKind kind) {
  std::error_code error;
  if (!fs::exists(target, error)) return;
  const FileKind there = file_kind(target);
  if (there == kind || there == FileKind::kEmpty) return;
  throw InputError(fmt::format("{} exists and is not {} but {}; choose another name or remove it",
                               path, describe(kind), describe(there)));
}

}  // namespace

void guard_output(const std::string& path, FileKind kind, std::span<const std::string> inputs) {
  const std::string target = output_target(path);
  std::error_code error;
  for (const std::string& input : inputs)
    if (!input.empty() && fs::equivalent(target, input, error))
      throw InputError(
          fmt::format("cannot write {}: it is {}, which this command reads; choose another name",
                      path, path == input ? "the file" : input));
  refuse_inside_run(path, target, kind == FileKind::kReport);
  const AtomicFile probe(path);
  refuse_other_kind(path, target, kind);
}

void guard_output_directory(const std::string& path) {
  refuse_inside_run(path, path, false);
  const AtomicDirectory probe(path);
}

void guard_output_folder(const std::string& folder, std::span<const OutputName> files) {
  for (const OutputName& file : files) {
    const std::string path = fmt::format("{}/{}", folder, file.name);
    refuse_inside_run(path, path, false);
    refuse_other_kind(path, output_target(path), file.kind);
  }
}

}  // namespace siren::inline io

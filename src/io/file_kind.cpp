// SPDX-License-Identifier: Apache-2.0
#include "siren/io/file_kind.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <regex>

#include "siren/core/check.hpp"
#include "siren/io/plain_file.hpp"
#include "siren/io/seal.hpp"

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
    Rule{FileKind::kDataset, "a dataset file", [](const Ends& e) { return has_seal(e.path); }},
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
    Rule{FileKind::kResultsCsv, "a table of results of siren cv",
         [](const Ends& e) { return e.begins("variation,metric,runs,mean,sd,"); }},
    Rule{FileKind::kResultsJson, "the results of siren cv",
         [](const Ends& e) { return e.begins("{\n \"variations\": {"); }},
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

}  // namespace siren::inline io

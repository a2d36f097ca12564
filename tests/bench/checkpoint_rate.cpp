// SPDX-License-Identifier: Apache-2.0
// How fast a checkpoint is written, against dd writing as many zeros into the same directory.
//
//   mpirun -n 2 checkpoint_rate DIR [rows=2000000] [columns=64] [partition=block|random]
//                               [io=independent|collective] [compression=0] [repeats=5]
//
// Two tables with their moments, as a model has them. Checkpoint and dd take turns; each begins
// with a flushed disk and without the file. The first turn of both is not counted: it pays for
// memory and disk blocks that the machine has not touched before. Memory is the largest resident
// size while writing minus that before, of the rank where it is most.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "core/timer.hpp"
#include "io/block_hashes.hpp"
#include "math/matrix.hpp"
#include "siren/communicator.hpp"
#include "siren/environment.hpp"
#include "siren/error.hpp"
#include "train/checkpoint.hpp"

namespace siren {
namespace {

using Settings = std::map<std::string, std::string>;

Settings parse(int argc, char** argv) {
  Settings settings = {{"rows", "2000000"},   {"columns", "64"},    {"partition", "block"},
                       {"io", "independent"}, {"compression", "0"}, {"repeats", "5"}};
  if (argc < 2) throw InputError("usage: checkpoint_rate DIR [key=value ...]");
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    if (!settings.contains(word.substr(0, equals))) throw InputError("unknown setting " + word);
    settings[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return settings;
}

/// Half of the rows are users, half items; each side is divided among the ranks.
std::vector<NodeId> own_nodes(const Communicator& comm, std::int64_t rows, bool at_random) {
  std::vector<NodeId> nodes;
  for (NodeId node = 0; node < rows; ++node) {
    const std::int64_t half = (rows + 1) / 2;
    const std::int64_t draw =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(node) * 0x9E3779B97F4A7C15U >> 33);
    const std::int64_t owner = at_random ? draw % comm.size() : node % half * comm.size() / half;
    if (owner == comm.rank()) nodes.push_back(node);
  }
  return nodes;
}

struct Model {
  Model(const Communicator& comm, std::int64_t rows, std::int64_t columns, bool at_random)
      : nodes(own_nodes(comm, rows, at_random)), total(rows) {
    for (const char* group : {"parameters", "first_moment", "second_moment"})
      for (const char* name : {"liked", "disliked"}) {
        Matrix<float>& table = tables.emplace_back(std::ssize(nodes), columns);
        std::uint32_t state = 1;
        for (float& value : table.span())  // digits that do not compress like zeros
          value = static_cast<float>(state = state * 1664525U + 1013904223U) * 1e-10F;
        tensors.push_back({fmt::format("{}/{}", group, name), true, table.rows(), table.columns(),
                           table.stride(), sizeof(float), table.data()});
      }
  }
  std::vector<NodeId> nodes;
  std::int64_t total;
  std::vector<Matrix<float>> tables;
  std::vector<StateTensor> tensors;
};

/// In bytes, from /proc: "VmRSS" now, "VmHWM" the largest since reset_peak().
std::int64_t resident(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::int64_t kilobytes = 0; word == field + ":" && status >> kilobytes)
      return kilobytes * 1024;
  return 0;
}

void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << 5;
}

/// A barrier that leaves the processor to others.
void meet(const Communicator& comm) {
  const std::vector<std::int32_t> here(static_cast<std::size_t>(comm.size()), 1);
  std::vector<std::int32_t> there(here.size());
  RequestSet arrivals;
  comm.start_all_to_all(arrivals, here, there);
  while (!arrivals.test_all()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

double dd_seconds(const std::string& path, std::int64_t bytes) {
  const std::int64_t blocks = (bytes + kHashBlockBytes - 1) / kHashBlockBytes;
  const std::string command =
      fmt::format("dd if=/dev/zero of={} bs=4M count={} conv=fsync status=none", path, blocks);
  const Stopwatch watch;
  if (std::system(command.c_str()) != 0) throw EnvironmentError("running " + command);
  return watch.seconds();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

struct Timings {
  void forget_seconds() {
    for (std::vector<double>* seconds : {&checkpoint, &verify, &dd}) seconds->clear();
  }
  std::vector<double> checkpoint;
  std::vector<double> verify;
  std::vector<double> dd;
  std::int64_t bytes = 0;
  std::int64_t memory = 0;
};

Timings measure(const Communicator& comm, const Model& model, const std::string& directory,
                const Settings& settings) {
  const std::string path = directory + "/rate.h5";
  const CheckpointContents contents{{}, {model.nodes, model.total}, model.tensors};
  const CheckpointOptions options{*value_named<CheckpointIo>(settings.at("io")),
                                  std::stoi(settings.at("compression"))};
  const auto clean = [&] {
    if (comm.is_root())
      for (const std::string& file : {path, block_hashes_path(path), directory + "/rate.dd"})
        std::filesystem::remove(file);
    if (comm.is_root()) ::sync();
    meet(comm);
  };
  Timings timings;
  for (int repeat = -1; repeat < std::stoi(settings.at("repeats")); ++repeat) {
    if (repeat == 0) timings.forget_seconds();
    clean();
    const std::int64_t before = resident("VmRSS");
    reset_peak();
    const WrittenFile written = write_checkpoint(comm, path, contents, options);
    timings.memory = std::max(timings.memory, resident("VmHWM") - before);
    timings.checkpoint.push_back(written.seconds);
    timings.bytes = written.bytes;
    const Stopwatch watch;
    verify_block_hashes(comm, path);
    timings.verify.push_back(watch.seconds());
    clean();
    if (comm.is_root()) timings.dd.push_back(dd_seconds(directory + "/rate.dd", written.bytes));
    meet(comm);
  }
  clean();
  timings.memory = comm.all_reduce(timings.memory, Reduction::kMax);
  return timings;
}

void run(const Communicator& comm, int argc, char** argv) {
  const Settings settings = parse(argc, argv);
  const Model model(comm, std::stoll(settings.at("rows")), std::stoll(settings.at("columns")),
                    settings.at("partition") == "random");
  const Timings timings = measure(comm, model, argv[1], settings);
  if (!comm.is_root()) return;
  const auto report = [&](const char* what, const std::vector<double>& seconds) {
    fmt::print("{:10} {:6.3f} s {:>10}/s   (", what, median(seconds),
               human_bytes(static_cast<std::int64_t>(static_cast<double>(timings.bytes) /
                                                     median(seconds))));
    for (const double second : seconds) fmt::print(" {:.3f}", second);
    fmt::print(" )\n");
  };
  for (const auto& [key, value] : settings) fmt::print("{}={} ", key, value);
  fmt::print("ranks={}: {}\n", comm.size(), human_bytes(timings.bytes));
  report("checkpoint", timings.checkpoint);
  report("dd", timings.dd);
  report("verify", timings.verify);
  fmt::print("checkpoint at {:.0f} % of the rate of dd; memory beyond the model {}\n",
             100 * median(timings.dd) / median(timings.checkpoint), human_bytes(timings.memory));
}

}  // namespace
}  // namespace siren

int main(int argc, char** argv) {
  const siren::Environment environment(&argc, &argv);
  const siren::Communicator comm = siren::Communicator::world();
  try {
    siren::run(comm, argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "checkpoint_rate: {}\n", error.what());
    comm.abort(1);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// One training step and a curve of losses against an independent autograd reference (README.md in
// this folder), tensor by tensor, at any number of ranks, for every way to place the rows.
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "golden/golden_file.hpp"
#include "support/share.hpp"
#include "train/trainer.hpp"

namespace siren::test {
namespace {

/// Where a run differs from the main one, and how this program says so.
struct Variant {
  std::string group;  // in the file; empty: the main run
  std::string partition = "block";
  Travel travel = Travel::kItems;
};

std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << (variant.group.empty() ? "main" : variant.group) << " " << variant.partition << ' '
             << travelling_rows(variant.travel) << " travel";
}

class Golden : public ::testing::TestWithParam<Variant> {
 protected:
  Golden()
      : comm_(Communicator::world()),
        file_(Hdf5File::open_read_only(SIREN_SOURCE_DIR "/tests/golden/step.h5")) {}

  TrainConfig config() const {
    TrainConfig c;
    c.dimension = file_.int_attribute("d");
    c.layers = static_cast<int>(file_.int_attribute("layers"));
    c.mlp_layers = static_cast<int>(file_.int_attribute("mlp_layers"));
    c.negatives = static_cast<int>(file_.int_attribute("K"));
    c.batch = file_.int_attribute("batch");
    c.seed = static_cast<std::uint32_t>(file_.int_attribute("seed"));
    c.reg = file_.double_attribute("reg");
    c.dislike_factor = file_.double_attribute("dislike_factor");
    c.exponent = file_.double_attribute("exponent");
    c.dropout = file_.double_attribute("dropout");
    c.learning_rate = file_.double_attribute("lr");
    const std::string& group = GetParam().group;
    if (group == "mean") c.norm = Normalisation::kMean;
    if (group.starts_with("lightgcn")) c.model = ModelKind::kLightGcn;
    if (group == "dislike_pairs") c.dislike_pairs = 3;
    if (group == "lightgcn_pairs") c.dislike_pairs = 2;
    if (group == "no_attention") c.no_attention = true;
    if (group == "dropout25") c.dropout = 0.25;
    if (group == "dropout30") c.dropout = 0.3;
    return c;
  }

  Ratings ratings() const {
    const auto users = read_all<std::int32_t>(file_, "user", H5T_NATIVE_INT32);
    const auto items = read_all<std::int32_t>(file_, "item", H5T_NATIVE_INT32);
    const auto values = doubles(file_, "value");
    const double offset = file_.double_attribute("offset");
    Ratings all{file_.int_attribute("users"), file_.int_attribute("items"), {}};
    for (std::size_t n = 0; n < users.size(); ++n) {
      int sign = (values[n] > offset) - (values[n] < offset);
      if (sign < 0 && GetParam().group == "no_dislikes") sign = 0;
      all.all.push_back({users[n], items[n], static_cast<std::int8_t>(sign)});
    }
    return all;
  }

  std::string path(const std::string& name, const std::string& main_group) const {
    const std::string& group = GetParam().group.empty() ? main_group : GetParam().group;
    return group.empty() ? name : fmt::format("{}/{}", group, name);
  }

  void expect_equal(const StateTensor& tensor, const Layout& layout,
                    const std::string& dataset) const {
    test::expect_equal(file_, dataset, tensor, layout, kTolerance);
  }

  Communicator comm_;
  Hdf5File file_;
};

TEST_P(Golden, EveryTensorOfTheFirstStepAndTheLosses) {
  const TrainConfig c = config();
  const auto share = make_share(comm_, ratings(), c, GetParam().partition, GetParam().travel);
  Trainer<Fp64> trainer({comm_, share->layout, share->set, share->graph}, c, best_isa());
  const auto each_parameter = [&](const auto& visit) { test::each_parameter(trainer, visit); };

  each_parameter([&](const StateTensor& tensor, const std::string& name) {
    expect_equal(tensor, share->layout, "init/" + name);
  });

  const StepReport first = trainer.step();
  const double loss = doubles(file_, path("loss", "step1"))[0];
  const double reg = doubles(file_, path("reg", "step1"))[0];
  EXPECT_NEAR(first.loss * static_cast<double>(first.ratings), loss, kTolerance * loss);
  EXPECT_NEAR(first.reg * static_cast<double>(first.ratings), reg, kTolerance * reg);

  each_gradient(trainer, [&](const StateTensor& tensor, const std::string& name) {
    expect_equal(tensor, share->layout, path("grad/" + name, "step1"));
  });
  if (GetParam().group.empty())
    each_parameter([&](const StateTensor& tensor, const std::string& name) {
      expect_equal(tensor, share->layout, "step1/after/" + name);
    });

  const std::vector<double> losses = doubles(file_, path("losses", ""));
  const std::vector<double> regs = doubles(file_, path("regs", ""));
  for (std::size_t s = 1; s < losses.size(); ++s) {
    const StepReport report = trainer.step();
    EXPECT_NEAR(report.loss * static_cast<double>(report.ratings), losses[s],
                kLaterTolerance * losses[s])
        << "step " << s + 1;
    EXPECT_NEAR(report.reg * static_cast<double>(report.ratings), regs[s],
                kLaterTolerance * regs[s])
        << "step " << s + 1;
  }
}

INSTANTIATE_TEST_SUITE_P(Placements, Golden,
                         ::testing::Values(Variant{""}, Variant{"", "random"}, Variant{"", "first"},
                                           Variant{"", "block", Travel::kUsers},
                                           Variant{"", "random", Travel::kUsers},
                                           Variant{"", "random", Travel::kCover}));
INSTANTIATE_TEST_SUITE_P(Variants, Golden,
                         ::testing::Values(Variant{"mean"}, Variant{"lightgcn"},
                                           Variant{"no_attention"}, Variant{"no_dislikes"},
                                           Variant{"dropout25"}, Variant{"dropout30", "random"},
                                           Variant{"dislike_pairs"},
                                           Variant{"lightgcn_pairs", "random"}));

}  // namespace
}  // namespace siren::test

// SPDX-License-Identifier: Apache-2.0
// Training with the softmax over the catalogue or draws from it, and the polarity branch of the
// factored model, against an independent autograd reference (README.md in this folder), tensor by
// tensor, at any number of ranks, for every way to place the rows.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/shared_sampler.hpp"
#include "golden/golden_file.hpp"
#include "support/share.hpp"
#include "train/trainer.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kStepsBeforeParameters = 3;

struct Variant {
  std::string group;  // in the file
  std::string partition = "block";
  Travel travel = Travel::kItems;
};

std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << variant.group << " " << variant.partition << ' ' << travelling_rows(variant.travel)
             << " travel";
}

class GoldenSoftmax : public ::testing::TestWithParam<Variant> {
 protected:
  /// What the file says, and how this program says where a variant differs.
  TrainConfig config() const {
    TrainConfig c;
    c.loss = LossKind::kSoftmax;
    c.dimension = file_.int_attribute("d");
    c.layers = static_cast<int>(file_.int_attribute("layers"));
    c.mlp_layers = static_cast<int>(file_.int_attribute("mlp_layers"));
    c.batch_users = file_.int_attribute("batch_users");
    c.seed = static_cast<std::uint32_t>(file_.int_attribute("seed"));
    c.reg = file_.double_attribute("reg");
    c.dropout = file_.double_attribute("dropout");
    c.learning_rate = file_.double_attribute("lr");
    c.temperature = file_.double_attribute("temperature");
    c.exponent = file_.double_attribute("exponent");
    c.polarity_epochs = 0;
    const std::string& group = GetParam().group;
    if (group == "lightgcn") c.model = ModelKind::kLightGcn;
    if (group == "siren" || group == "siren_drawn") {
      c.item_bias = OnOff::kOn;
      c.dislike_weight = 0.3;
    }
    if (group == "factored_full") {
      c.model = ModelKind::kFactored;
      c.dislike_edge_weight = 1.0;
    }
    if (group == "factored" || group == "factored_drawn") {
      c.model = ModelKind::kFactored;
      c.item_bias = OnOff::kOn;
      c.dislike_edge_weight = 0.5;
      c.dislike_weight = 0.4;
    }
    if (group == "factored_drawn") c.shared_negatives = 6;
    if (group == "siren_drawn") c.shared_negatives = 40;
    if (group == "factored") {
      c.polarity_epochs = 1;  // any: the batches of a step are given
      c.polarity_dimension = file_.int_attribute("d_p");
      c.polarity_batch = file_.int_attribute("polarity_batch");
      c.polarity_batches = file_.int_attribute("polarity_batches");
      c.polarity_reg = file_.double_attribute("polarity_reg");
      c.polarity_rate = file_.double_attribute("polarity_lr");
    }
    return c;
  }

  Ratings ratings() const {
    const auto users = read_all<std::int32_t>(file_, "user", H5T_NATIVE_INT32);
    const auto items = read_all<std::int32_t>(file_, "item", H5T_NATIVE_INT32);
    const auto values = read_all<float>(file_, "value", H5T_NATIVE_FLOAT);
    const auto offset = static_cast<float>(doubles(file_, path("offset"))[0]);
    Ratings all{file_.int_attribute("users"), file_.int_attribute("items"), {}, offset};
    for (std::size_t n = 0; n < users.size(); ++n) {
      const int sign = (values[n] > offset) - (values[n] < offset);
      all.all.push_back({users[n], items[n], static_cast<std::int8_t>(sign), values[n]});
    }
    return all;
  }

  std::string path(const std::string& name) const {
    return fmt::format("{}/{}", GetParam().group, name);
  }

  void expect_near(double found, const std::string& dataset, std::int64_t step,
                   double tolerance) const {
    const double want = doubles(file_, path(dataset))[static_cast<std::size_t>(step - 1)];
    EXPECT_NEAR(found, want, tolerance * want) << dataset << " of step " << step;
  }

  Communicator comm_ = Communicator::world();
  Hdf5File file_ = Hdf5File::open_read_only(SIREN_SOURCE_DIR "/tests/golden/softmax.h5");
  std::unique_ptr<Share> share_ =
      make_share(comm_, ratings(), config(), GetParam().partition, GetParam().travel);
};

TEST_P(GoldenSoftmax, EveryTensorOfTheFirstStepsAndTheLosses) {
  const TrainConfig c = config();
  Trainer<Fp64> trainer({comm_, share_->layout, share_->set, share_->graph}, c, best_isa());
  const auto expect_parameters = [&](const std::string& moment, double tolerance) {
    each_parameter(trainer, [&](const StateTensor& tensor, const std::string& name) {
      expect_equal(file_, path(moment + "/" + name), tensor, share_->layout, tolerance);
    });
  };
  if (c.shared_negatives == 0) expect_parameters("init", kTolerance);  // others start alike

  const auto steps = std::ssize(doubles(file_, path("losses")));
  for (std::int64_t step = 1; step <= steps; ++step) {
    const StepReport report = trainer.step();
    const double tolerance = step == 1 ? kTolerance : kLaterTolerance;
    expect_near(report.weight, "weights", step, kTolerance);
    expect_near(report.loss * report.weight, "losses", step, tolerance);
    expect_near(report.reg * report.weight, "regs", step, tolerance);
    if (model_spec(c).polarity > 0) {  // of batches of which the second follows an update
      expect_near(report.polarity.loss, "polarity_losses", step, kLaterTolerance);
      expect_near(report.polarity.reg, "polarity_regs", step, kLaterTolerance);
    }
    if (step == 1)
      each_gradient(trainer, [&](const StateTensor& tensor, const std::string& name) {
        expect_equal(file_, path("grad/" + name), tensor, share_->layout, kTolerance);
      });
    if (step == kStepsBeforeParameters) expect_parameters("after", kLaterTolerance);
  }
}

class GoldenDraws : public GoldenSoftmax {};

TEST_P(GoldenDraws, AreThoseOfTheReferenceInEveryStep) {
  const TrainConfig c = config();
  const SharedSampler sampler(share_->set.item_degree, c.exponent, c.seed, c.shared_negatives);
  auto want = read_all<ItemId>(file_, path("draws"), H5T_NATIVE_INT32);  // [steps x S]
  const auto steps = std::ssize(doubles(file_, path("losses")));
  ASSERT_EQ(std::ssize(want), steps * c.shared_negatives);
  std::vector<ItemId> found;
  for (std::int64_t step = 1; step <= steps; ++step) {
    sampler.draw(step, found);
    const auto of_step = std::span(want).subspan(
        static_cast<std::size_t>((step - 1) * c.shared_negatives), found.size());
    std::ranges::sort(of_step);
    EXPECT_TRUE(std::ranges::equal(found, of_step)) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Placements, GoldenSoftmax,
                         ::testing::Values(Variant{"factored"}, Variant{"factored", "random"},
                                           Variant{"factored", "first"},
                                           Variant{"factored", "block", Travel::kUsers},
                                           Variant{"factored", "random", Travel::kUsers},
                                           Variant{"factored", "random", Travel::kCover}));
INSTANTIATE_TEST_SUITE_P(
    Variants, GoldenSoftmax,
    ::testing::Values(Variant{"factored_full"}, Variant{"factored_full", "random", Travel::kUsers},
                      Variant{"lightgcn"}, Variant{"lightgcn", "random", Travel::kUsers},
                      Variant{"siren"}, Variant{"siren", "random", Travel::kUsers}));
INSTANTIATE_TEST_SUITE_P(Draws, GoldenSoftmax,
                         ::testing::Values(Variant{"factored_drawn"},
                                           Variant{"factored_drawn", "first"},
                                           Variant{"factored_drawn", "random", Travel::kUsers},
                                           Variant{"siren_drawn"},
                                           Variant{"siren_drawn", "random", Travel::kUsers}));
INSTANTIATE_TEST_SUITE_P(Draws, GoldenDraws,
                         ::testing::Values(Variant{"factored_drawn"}, Variant{"siren_drawn"}));

}  // namespace
}  // namespace siren::test

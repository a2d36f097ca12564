// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: files of reference figures, and the tensors of a trainer by
// their names there.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/hdf5_file.hpp"
#include "support/whole_gradients.hpp"
#include "train/trainer.hpp"

namespace siren::test {

// Both sides compute in double; sums of some thousand terms are taken in different orders.
inline constexpr double kTolerance = 1e-11;
// Rounding grows by roughly an order of magnitude every few steps through Adam's normalisation.
inline constexpr double kLaterTolerance = 1e-9;

/// A dataset of any shape as a flat array.
template <class T>
std::vector<T> read_all(const Hdf5File& file, const std::string& name, hid_t type) {
  const Hdf5Handle set(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen2", name);
  const Hdf5Handle space(H5Dget_space(set.get()), H5Sclose, "H5Dget_space", name);
  std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  check_hdf5(H5Dread(set.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "H5Dread",
             name);
  return values;
}

inline std::vector<double> doubles(const Hdf5File& file, const std::string& name) {
  return read_all<double>(file, name, H5T_NATIVE_DOUBLE);
}

/// Compares this rank's rows of a table, or a whole replicated tensor, with a dataset.
inline void expect_equal(const Hdf5File& file, const std::string& dataset,
                         const StateTensor& tensor, const Layout& layout, double tolerance) {
  const std::vector<double> expected = doubles(file, dataset);
  const auto* values = static_cast<const double*>(tensor.data);
  for (std::int64_t r = 0; r < tensor.rows; ++r) {
    const std::int64_t row = tensor.is_table ? layout.node_of(static_cast<LocalRow>(r)) : r;
    for (std::int64_t c = 0; c < tensor.columns; ++c) {
      const double want = expected[static_cast<std::size_t>(row * tensor.columns + c)];
      ASSERT_NEAR(values[r * tensor.stride + c], want, tolerance * (1.0 + std::abs(want)))
          << dataset << " row " << row << " column " << c;
    }
  }
}

/// visit(tensor, name in the file) of every parameter.
template <class Visit>
void each_parameter(Trainer<Fp64>& trainer, const Visit& visit) {
  static const std::map<std::string, std::string> kNames = {
      {"liked", "X0"},          {"disliked", "Y0"},         {"item_bias", "a"},
      {"mlp.0.weight", "W0"},   {"mlp.0.bias", "b0"},       {"mlp.1.weight", "W1"},
      {"mlp.1.bias", "b1"},     {"attention.weight", "Wa"}, {"attention.bias", "ba"},
      {"attention.query", "q"}, {"polarity", "Q"},          {"polarity.theta", "theta"}};
  const std::string kParameters = "parameters/";
  for (const StateTensor& tensor : trainer.state())
    if (tensor.name.starts_with(kParameters))
      visit(tensor, kNames.at(tensor.name.substr(kParameters.size())));
}

/// The same with the gradients of the last step, of which the polarity branch shows none.
template <class Visit>
void each_gradient(Trainer<Fp64>& trainer, const Visit& visit) {
  ParameterSet<double> gradient = whole_gradients(trainer);
  const ParameterSet<double>& parameters = trainer.model().parameters();
  each_parameter(trainer, [&](StateTensor tensor, const std::string& name) {
    if (name == "Q" || name == "theta") return;
    double* at = gradient.dense.data();
    if (!tensor.is_table) at += static_cast<const double*>(tensor.data) - parameters.dense.data();
    for (std::size_t t = 0; t < gradient.tables.size(); ++t)
      if (tensor.data == parameters.tables[t].data()) at = gradient.tables[t].data();
    tensor.data = at;
    visit(tensor, name);
  });
}

}  // namespace siren::test

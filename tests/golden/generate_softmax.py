# SPDX-License-Identifier: Apache-2.0
"""Writes softmax.h5: training with the softmax loss on the data set of generate.py.

    python generate_softmax.py [--output softmax.h5] [--check]

The checks always run first; --check stops after them.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from generate import (
    DISLIKING_USER,
    SILENT_USER,
    UNLIKED_ITEM,
    UNRATED_ITEM,
    check_gradients,
    check_philox,
    make_ratings,
    write_parameters,
)
from random_scheme import Permutation, Purpose
from reference import Parameters, Ratings
from softmax_reference import PolarityReference, SoftmaxConfig, SoftmaxReference, rating_weights

FORMAT = 1
STEPS = 12  # 4 steps per epoch, the last one short
STEPS_BEFORE_PARAMETERS = 3
VARIANTS: dict[str, dict[str, Any]] = {
    "factored": {
        "model": "factored",
        "kappa": 0.5,
        "eta": 0.4,
        "item_bias": True,
        "polarity": True,
    },
    "factored_full": {"model": "factored", "kappa": 1.0},
    "lightgcn": {"model": "lightgcn"},
    "siren": {"eta": 0.3, "item_bias": True},  # where neutral ratings weigh nothing
}


def check_orders(config: SoftmaxConfig) -> None:
    for n in (1, 29, 240):
        order = Permutation(config.seed, 2, n, Purpose.POLARITY_ORDER).order()
        assert sorted(order.tolist()) == list(range(n))


def check_data(config: SoftmaxConfig, ratings: Ratings) -> None:
    """The data set has the cases that these variants are meant to meet."""
    sign = ratings.value - config.offset
    assert SILENT_USER not in ratings.user and UNRATED_ITEM not in ratings.item
    assert np.any(sign == 0)
    assert np.all(sign[ratings.user == DISLIKING_USER] < 0)
    run = SoftmaxReference(config, ratings)
    assert UNLIKED_ITEM in run.catalogue and UNRATED_ITEM not in run.catalogue
    assert len(run.users_with_term) % config.batch_users != 0
    assert 2 * run.steps_per_epoch < STEPS
    likes_only = SoftmaxReference(replace(SoftmaxConfig(), **VARIANTS["factored_full"]), ratings)
    assert DISLIKING_USER in set(run.users_with_term) - set(likes_only.users_with_term)
    siren = replace(SoftmaxConfig(), **VARIANTS["siren"])
    assert siren.offset in ratings.value
    assert set(rating_weights(replace(siren, offset=config.offset), ratings)[sign == 0]) == {0.0}


def check_polarity(config: SoftmaxConfig, ratings: Ratings) -> None:
    run = PolarityReference(config, ratings)
    assert run.cuts.tolist() == [1.25, 1.75, 2.25, 2.75, 3.25, 3.5, 4.25, 4.75]
    theta = run.thetas().detach().numpy()
    assert np.all(np.diff(theta) > 0.01)
    neutral = ratings.value == config.offset
    assert np.all(run.counts.sum(axis=1) == np.where(neutral, 7, 8))
    # Without Q and biases the model says how many ratings lie above each cut.
    above = np.array([run.above[run.counts[:, k], k].mean() for k in range(len(run.cuts))])
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(theta)), above, rtol=1e-12)


def run_checks(ratings: Ratings) -> None:
    check_philox()
    factored = replace(SoftmaxConfig(), **VARIANTS["factored"])
    check_orders(factored)
    check_data(factored, ratings)
    check_polarity(factored, ratings)
    for options in VARIANTS.values():
        check_gradients(SoftmaxReference(replace(SoftmaxConfig(), **options), ratings))
    check_gradients(PolarityReference(factored, ratings))


def write_attributes(file: h5py.File, config: SoftmaxConfig) -> None:
    integers = ["users", "items", "seed", "d", "layers", "mlp_layers", "batch_users"]
    integers += ["d_p", "polarity_batch", "polarity_batches"]
    doubles = ("reg", "dropout", "lr", "temperature", "polarity_reg", "polarity_lr")
    file.attrs["format"] = np.int64(FORMAT)
    for name in integers:
        file.attrs[name] = np.int64(getattr(config, name))
    for name in doubles:
        file.attrs[name] = np.float64(getattr(config, name))


def write_variant(group: h5py.Group, config: SoftmaxConfig, ratings: Ratings) -> None:
    run = SoftmaxReference(config, ratings)
    polarity = PolarityReference(config, ratings) if config.polarity else None
    parameters: Parameters = run.parameters | (polarity.parameters if polarity else {})
    group["offset"] = np.array([config.offset])
    group["weights"] = [run.weight_sum(run.batch(step)) for step in range(1, STEPS + 1)]
    write_parameters(group.create_group("init"), parameters)
    sums, polarity_sums = [], []
    for step in range(1, STEPS + 1):
        sums.append(run.train_step(step))
        if step == 1:
            write_parameters(group.create_group("grad"), run.gradients())
        if polarity:
            polarity_sums.append(polarity.train_step(step))
        if step == STEPS_BEFORE_PARAMETERS:
            write_parameters(group.create_group("after"), parameters)
    group["losses"], group["regs"] = np.array(sums).T
    if polarity:
        group["polarity_losses"], group["polarity_regs"] = np.array(polarity_sums).T


def write_file(path: Path, ratings: Ratings) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with h5py.File(temporary, "w", libver="earliest") as file:
        write_attributes(file, SoftmaxConfig())
        file["user"] = ratings.user.astype(np.int32)
        file["item"] = ratings.item.astype(np.int32)
        file["value"] = ratings.value.astype(np.float32)
        for name, options in VARIANTS.items():
            write_variant(file.create_group(name), replace(SoftmaxConfig(), **options), ratings)
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the golden training with softmax.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("softmax.h5"))
    parser.add_argument("--check", action="store_true", help="run the checks, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    ratings = make_ratings(SoftmaxConfig())
    run_checks(ratings)
    print(f"checks passed, {len(ratings.user)} ratings")
    if not arguments.check:
        write_file(arguments.output, ratings)
        print(f"wrote {arguments.output} ({arguments.output.stat().st_size} bytes)")


if __name__ == "__main__":
    main()

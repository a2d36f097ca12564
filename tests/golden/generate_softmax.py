# SPDX-License-Identifier: Apache-2.0
"""Writes softmax.h5: training with the softmax loss on the data set of generate.py.

    python generate_softmax.py [--output softmax.h5] [--check]

The checks always run first; --check stops after them.
"""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from generate import (
    COMPLETE_USER,
    DISLIKING_USER,
    SILENT_USER,
    UNLIKED_ITEM,
    UNRATED_ITEM,
    check_gradients,
    check_philox,
    make_ratings,
    write_parameters,
)
from random_scheme import Permutation, Purpose, SharedSampler
from reference import Parameters, Ratings
from softmax_reference import (
    PolarityReference,
    SoftmaxConfig,
    SoftmaxReference,
    draw_weights,
    rating_weights,
)

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
    "factored_drawn": {
        "model": "factored",
        "kappa": 0.5,
        "eta": 0.4,
        "item_bias": True,
        "shared_negatives": 6,
    },
    "siren_drawn": {"eta": 0.3, "item_bias": True, "shared_negatives": 40},
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


def check_draws(config: SoftmaxConfig, ratings: Ratings) -> None:
    """Draws follow degree^exponent; one rounding error in the weights changes none."""
    weight = draw_weights(config, ratings)
    nudged = weight * (1 + 4e-16 * (-1.0) ** np.arange(config.items))
    size, steps = 500, range(1, 41)
    draws = [SharedSampler(config.seed, weight, size).draw(step) for step in steps]
    assert np.array_equal(
        draws, [SharedSampler(config.seed, nudged, size).draw(step) for step in steps]
    )
    found = np.bincount(np.concatenate(draws), minlength=config.items)
    expected = weight * (size * len(steps) / weight.sum())
    assert np.all(found[expected == 0] == 0)
    # Five standard deviations of a count; failing by chance has probability below 1e-5.
    assert np.all(np.abs(found - expected) <= 5 * np.sqrt(expected))


def check_estimate(config: SoftmaxConfig, ratings: Ratings) -> None:
    """Over many draws the mean of the estimated sum is the whole sum, of very unequal scores."""
    run = SoftmaxReference(config, ratings)
    users = np.unique(ratings.user)
    scores = torch.linspace(-1.0, 2.0, len(run.catalogue), dtype=torch.float64)
    scores = scores.repeat(len(users), 1)
    steps = range(1, 2001)
    sums = torch.stack(
        [run.estimated_log_sum(scores, users, run.shared_sampler.draw(s)).exp() for s in steps]
    )
    whole = scores.exp().sum(dim=1)
    deviation = sums.std(dim=0) / math.sqrt(len(steps))
    assert torch.all(deviation < 0.03 * whole), "the bound would say little"
    assert torch.all((sums.mean(dim=0) - whole).abs() <= 5 * deviation + 1e-12 * whole)
    exact = users == COMPLETE_USER  # rated all
    assert torch.allclose(sums[:, exact], whole[exact], rtol=1e-12)


def check_drawn_data(config: SoftmaxConfig, ratings: Ratings) -> None:
    """The steps have the cases that draws are meant to meet."""
    run = SoftmaxReference(config, ratings)
    batches = [run.batch(step) for step in range(1, STEPS + 1)]
    draws = [run.shared_sampler.draw(step) for step in range(1, STEPS + 1)]
    assert len({tuple(of_step) for of_step in draws}) == STEPS
    assert COMPLETE_USER in batches[0] or COMPLETE_USER in batches[1]  # its sum has no draw
    assert any(len(np.unique(of_step)) < len(of_step) for of_step in draws)
    rated = [run.own_items[b][:, d] for b, d in zip(batches, draws, strict=True)]
    assert all(own.any() and not own.all() for own in rated)  # draws inside and outside
    # Before parameters are compared a step misses an item that the one before it had.
    users = [run.own_items[batch].any(dim=0).nonzero().flatten().tolist() for batch in batches]
    met = [set(u) | set(d.tolist()) for u, d in zip(users, draws, strict=True)]
    assert any(met[step] - met[step + 1] for step in range(STEPS_BEFORE_PARAMETERS - 1))


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
    for name in ("factored_drawn", "siren_drawn"):
        drawn = replace(SoftmaxConfig(), **VARIANTS[name])
        check_draws(drawn, ratings)
        check_estimate(drawn, ratings)
        check_drawn_data(drawn, ratings)
    for options in VARIANTS.values():
        check_gradients(SoftmaxReference(replace(SoftmaxConfig(), **options), ratings))
    check_gradients(PolarityReference(factored, ratings))


def write_attributes(file: h5py.File, config: SoftmaxConfig) -> None:
    integers = ["users", "items", "seed", "d", "layers", "mlp_layers", "batch_users"]
    integers += ["d_p", "polarity_batch", "polarity_batches"]
    doubles = ("exponent", "reg", "dropout", "lr", "temperature", "polarity_reg", "polarity_lr")
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
    if config.shared_negatives > 0:  # starts like the same model without draws
        draws = [run.shared_sampler.draw(step) for step in range(1, STEPS + 1)]
        group["draws"] = np.array(draws, dtype=np.int32)
    else:
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

# SPDX-License-Identifier: Apache-2.0
"""Writes step.h5: a synthetic signed data set and what one training step makes of it.

    python generate.py [--output step.h5] [--check]

The checks always run first; --check stops after them.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import torch

from random_scheme import (
    NegativeSampler,
    Permutation,
    Purpose,
    keep_mask,
    keep_probability,
    philox,
    random_words,
)
from reference import Config, Parameters, Ratings, Reference

FORMAT = 1
STEPS = 20  # 7 steps per epoch, the last one short: reaches into epoch 3
VARIANT_STEPS = 3
VARIANTS: dict[str, dict[str, Any]] = {
    "mean": {"norm": "mean"},
    "lightgcn": {"model": "lightgcn"},
    "no_attention": {"attention": False},
    "no_dislikes": {"dislikes": False},
    "dropout25": {"dropout": 0.25},
    "dropout30": {"dropout": 0.3},
    "dislike_pairs": {"dislike_pairs": 3},
    "lightgcn_pairs": {"model": "lightgcn", "dislike_pairs": 2},
}

# Users and items with a role; everything else is drawn.
COMPLETE_USER = 3  # rated every sampleable item: its ratings have no loss term
SECOND_RARE_USER = 5
SILENT_USER = 7
DISLIKING_USER = 11
NEARLY_COMPLETE_USER = 19  # only the two rare items are left to sample
UNLIKED_ITEM = 4
UNRATED_ITEM = 13
RARE_ITEM = 16  # degree 1
SECOND_RARE_ITEM = 17  # degree 2
ORDINARY_RATINGS = (6, 9)  # per ordinary user, inclusive


def rated_items(user: int, config: Config, rng: np.random.Generator) -> list[int]:
    rare = {RARE_ITEM, SECOND_RARE_ITEM}
    common = [i for i in range(config.items) if i != UNRATED_ITEM and i not in rare]
    if user == SILENT_USER:
        return []
    if user == COMPLETE_USER:
        return sorted([*common, *rare])
    if user == NEARLY_COMPLETE_USER:
        return common
    count = rng.integers(ORDINARY_RATINGS[0], ORDINARY_RATINGS[1], endpoint=True)
    popularity = np.array([1.0 / (1 + i) ** 0.5 for i in range(len(common))])
    chosen = rng.choice(common, size=count, replace=False, p=popularity / popularity.sum())
    extra = [SECOND_RARE_ITEM] if user == SECOND_RARE_USER else []
    return sorted([*chosen.tolist(), *extra])


def rating_value(user: int, item: int, rng: np.random.Generator) -> float:
    highest = 6 if user == DISLIKING_USER or item == UNLIKED_ITEM else 10
    return 0.5 * float(rng.integers(2, highest, endpoint=True))


def make_ratings(config: Config) -> Ratings:
    rng = np.random.default_rng(config.seed)
    rows = [
        (user, item, rating_value(user, item, rng))
        for user in range(config.users)
        for item in rated_items(user, config, rng)
    ]
    user, item, value = zip(*rows, strict=True)
    return Ratings(np.array(user), np.array(item), np.array(value))


def check_philox() -> None:
    """Known answers published with Random123."""
    zero = philox(np.zeros(4, dtype=np.uint32), (0, 0))
    assert [f"{w:08x}" for w in zero] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    counter = np.array([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], dtype=np.uint32)
    words = philox(counter, (0xA4093822, 0x299F31D0))
    assert [f"{w:08x}" for w in words] == ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"]


def check_permutation(config: Config) -> None:
    for n in (1, 2, 5, 97, 240):
        assert sorted(Permutation(config.seed, 1, n).order().tolist()) == list(range(n))


def check_keep_mask(config: Config) -> None:
    """Bitwise masks against U < q with U built as a fraction from the same digits."""
    rows, d, site, step = 40, 140, 65, 9
    node = np.arange(rows)[:, None]
    column = np.arange(d)[None, :]
    for dropout in (0.0, 0.25, 0.3, 0.5):
        u = np.zeros((rows, d))
        for i in range(1, 17):
            part = 256 * (column // 128) + i
            words = random_words(config.seed, Purpose.DROPOUT, node, site << 24, step, part)
            word = np.take_along_axis(
                words, np.broadcast_to(column % 128 // 32, (rows, d))[..., None], axis=-1
            )[..., 0]
            u += ((word >> (column % 32).astype(np.uint32)) & 1) * 0.5**i
        q16 = keep_probability(dropout)
        assert np.array_equal(keep_mask(config.seed, site, step, (rows, d), q16), u < q16 / 65536)


def check_negatives(config: Config, ratings: Ratings) -> None:
    """Frequencies follow degree^exponent; one rounding error in the weights changes no draw."""
    degree = np.bincount(ratings.item, minlength=config.items).astype(np.float64)
    weight = degree**config.exponent
    sampler = NegativeSampler(config.seed, weight)
    nudged = NegativeSampler(config.seed, weight * (1 + 4e-16 * (-1.0) ** np.arange(config.items)))
    rated = {0, 1, 2}
    draws = [sampler.sample(r, rated, 1, k) for r in range(2000) for k in range(5)]
    assert draws == [nudged.sample(r, rated, 1, k) for r in range(2000) for k in range(5)]
    expected = np.where(np.isin(np.arange(config.items), list(rated)), 0.0, weight)
    expected *= len(draws) / expected.sum()
    found = np.bincount(draws, minlength=config.items)
    assert np.all(found[expected == 0] == 0)
    # Five standard deviations of a count; failing by chance has probability below 1e-5.
    assert np.all(np.abs(found - expected) <= 5 * np.sqrt(expected))


class Differentiable(Protocol):
    """A run as check_gradients sees it; what a batch is, is its own business."""

    parameters: Parameters

    def batch(self, step: int) -> Any: ...
    def loss_and_reg(self, step: int, batch: Any) -> tuple[torch.Tensor, torch.Tensor]: ...
    def gradients(self) -> Parameters: ...


def check_gradients(run: Differentiable) -> None:
    """Central differences of loss + reg on a few entries of every parameter."""
    batch = run.batch(1)
    rng = np.random.default_rng(1)
    loss, reg = run.loss_and_reg(1, batch)
    (loss + reg).backward()
    h = 1e-5
    gradients = run.gradients()
    assert gradients.keys() == run.parameters.keys()
    # The first Adam step is almost lr * sign(gradient): no entry may be zero up to rounding only.
    assert all(torch.all((g == 0) | (g.abs() > 1e-6)) for g in gradients.values())
    for name, parameter in run.parameters.items():
        flat, gradient = parameter.detach().view(-1), gradients[name].view(-1)
        for entry in rng.choice(np.flatnonzero(gradient.numpy()), size=6, replace=False):
            start, sums = flat[entry].item(), []
            for shifted in (start + h, start - h):
                flat[entry] = shifted
                sums.append(sum(part.item() for part in run.loss_and_reg(1, batch)))
            flat[entry] = start
            found = (sums[0] - sums[1]) / (2 * h)
            # Rounding of the sums (about 1e2 * 1e-16 / h) and h^2 truncation stay below 1e-7.
            assert abs(found - gradient[entry].item()) < 1e-7 * max(1.0, abs(found)), name


def check_data(config: Config, ratings: Ratings) -> None:
    """The data set has the cases it is meant to have, and step 1 meets them."""
    sign = ratings.value - config.offset
    assert SILENT_USER not in ratings.user and UNRATED_ITEM not in ratings.item
    assert np.any(sign == 0)
    assert np.all(sign[ratings.user == DISLIKING_USER] < 0)
    assert np.all(sign[ratings.item == UNLIKED_ITEM] <= 0)
    run = Reference(config, ratings)
    batch = run.batch(1)
    missing = batch.negatives < 0
    assert missing.any() and np.array_equal(missing.any(axis=1), missing.all(axis=1))
    assert np.all(batch.user[missing.all(axis=1)] == COMPLETE_USER)
    assert run.sampler.inversions > missing.sum(), "no draw by inversion in step 1"
    assert set(np.sign(batch.sign)) == {-1.0, 1.0}
    assert 2 * run.steps_per_epoch < STEPS and len(run.trainable.user) % config.batch != 0


def run_checks(config: Config, ratings: Ratings) -> None:
    check_philox()
    check_permutation(config)
    check_keep_mask(config)
    check_negatives(config, ratings)
    check_data(config, ratings)
    for options in ({}, *VARIANTS.values()):
        check_gradients(Reference(replace(config, **options), ratings))


def write_parameters(group: h5py.Group, values: dict[str, torch.Tensor]) -> None:
    for name, value in values.items():
        group[name] = value.detach().numpy()


def write_attributes(file: h5py.File, config: Config) -> None:
    integers = ("users", "items", "seed", "d", "layers", "mlp_layers", "batch")
    doubles = ("offset", "reg", "dislike_factor", "exponent", "dropout", "lr")
    file.attrs["format"] = np.int64(FORMAT)
    file.attrs["K"] = np.int64(config.negatives)
    for name in integers:
        file.attrs[name] = np.int64(getattr(config, name))
    for name in doubles:
        file.attrs[name] = np.float64(getattr(config, name))


def write_first_step(group: h5py.Group, run: Reference) -> tuple[float, float]:
    """Runs step 1 and writes what every group has of it."""
    batch = run.batch(1)
    group["order"] = batch.rating.astype(np.int64)
    group["negatives"] = batch.negatives.astype(np.int32)
    loss, reg = run.train_step(1)
    group["loss"] = np.array([loss])
    group["reg"] = np.array([reg])
    write_parameters(group.create_group("grad"), run.gradients())
    return loss, reg


def write_main_run(file: h5py.File, config: Config, ratings: Ratings) -> None:
    run = Reference(config, ratings)
    write_parameters(file.create_group("init"), run.parameters)
    step1 = file.create_group("step1")
    with torch.no_grad():
        embeddings = run.forward(1)
    assert embeddings.disliked is not None
    step1["Zp"] = embeddings.liked.numpy()
    step1["Zn"] = embeddings.disliked.numpy()
    step1["Z"] = embeddings.fused.numpy()
    sums = [write_first_step(step1, run)]
    write_parameters(step1.create_group("after"), run.parameters)
    sums += [run.train_step(step) for step in range(2, STEPS + 1)]
    file["losses"], file["regs"] = np.array(sums).T


def write_variant(group: h5py.Group, config: Config, ratings: Ratings) -> None:
    run = Reference(config, ratings)
    sums = [write_first_step(group, run)]
    sums += [run.train_step(step) for step in range(2, VARIANT_STEPS + 1)]
    group["losses"], group["regs"] = np.array(sums).T


def write_file(path: Path, config: Config, ratings: Ratings) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with h5py.File(temporary, "w", libver="earliest") as file:
        write_attributes(file, config)
        file["user"] = ratings.user.astype(np.int32)
        file["item"] = ratings.item.astype(np.int32)
        file["value"] = ratings.value.astype(np.float32)
        write_main_run(file, config, ratings)
        for name, options in VARIANTS.items():
            write_variant(file.create_group(name), replace(config, **options), ratings)
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the golden training step.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("step.h5"))
    parser.add_argument("--check", action="store_true", help="run the checks, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = Config()
    ratings = make_ratings(config)
    run_checks(config, ratings)
    print(f"checks passed, {len(ratings.user)} ratings")
    if not arguments.check:
        write_file(arguments.output, config, ratings)
        print(f"wrote {arguments.output} ({arguments.output.stat().st_size} bytes)")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Training with the softmax over the catalogue or draws from it, and the polarity branch.

Plain PyTorch in double precision with gradients by autograd, like reference.py, whose branches,
propagation and Adam serve here too. Losses are sums over a batch.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from random_scheme import (
    Bools,
    Doubles,
    Ints,
    Permutation,
    Purpose,
    SharedSampler,
    normal_table,
)
from reference import Config, Parameters, Ratings, Reference

TABLE_STD = 0.05
BIAS_PRIOR = 10.0  # ratings behind the initial bias of an item
BIAS_SHARE = 0.3  # of biases in the regularisation of polarity


@dataclass(frozen=True)
class SoftmaxConfig(Config):
    layers: int = 2
    reg: float = 0.03
    lr: float = 0.01
    temperature: float = 0.5
    batch_users: int = 8
    eta: float = 0.0  # weight of ratings that are no likes
    item_bias: bool = False
    shared_negatives: int = 0  # S draws stand for the catalogue; 0: all of it
    polarity: bool = False
    d_p: int = 6
    polarity_reg: float = 0.02
    polarity_batch: int = 70  # ratings
    polarity_batches: int = 2  # in a step
    polarity_lr: float = 0.02

    @property
    def table_std(self) -> float:
        return TABLE_STD


def rating_weights(config: SoftmaxConfig, ratings: Ratings) -> Doubles:
    """1 of likes, eta of dislikes and, in the factored model alone, of neutral ratings.

    The program keeps weights in single precision, in which eta is rounded here, too.
    """
    sign = ratings.value - config.offset
    eta = float(np.float32(config.eta))
    return np.where(sign > 0, 1.0, np.where((sign < 0) | (config.model == "factored"), eta, 0.0))


def draw_weights(config: SoftmaxConfig, ratings: Ratings) -> Doubles:
    """degree^exponent of items, counting ratings whatever they say; 0 without any."""
    degree = np.bincount(ratings.item, minlength=config.items).astype(np.float64)
    return np.where(degree > 0, degree**config.exponent, 0.0)


class SoftmaxReference(Reference):
    """One training run of the engagement branch, or of another model with the same loss."""

    config: SoftmaxConfig

    def __init__(self, config: SoftmaxConfig, ratings: Ratings) -> None:
        super().__init__(config, ratings)
        weight = rating_weights(config, ratings)
        self.weight = torch.zeros(config.users, config.items, dtype=torch.float64)
        self.weight[torch.tensor(ratings.user), torch.tensor(ratings.item)] = torch.tensor(weight)
        self.own_items = torch.zeros(config.users, config.items, dtype=torch.bool)
        self.own_items[torch.tensor(ratings.user), torch.tensor(ratings.item)] = True
        self.catalogue = np.unique(ratings.item)
        self.shared_sampler = SharedSampler(
            config.seed, draw_weights(config, ratings), config.shared_negatives
        )
        self.users_with_term = np.flatnonzero(self.weight.sum(dim=1).numpy() > 0)
        if config.item_bias:
            bias = torch.zeros(config.nodes, 1, dtype=torch.float64)
            bias[config.users :, 0] = torch.log(1.0 + self.weight.sum(dim=0))
            self.parameters["a"] = bias.requires_grad_()
        self.adam = torch.optim.Adam(self.parameters.values(), lr=config.lr)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.users_with_term) // self.config.batch_users)

    def batch(self, step: int) -> Ints:  # type: ignore[override]
        """Users of a step."""
        epoch, index = divmod(step - 1, self.steps_per_epoch)
        size = self.config.batch_users
        order = Permutation(self.config.seed, epoch + 1, len(self.users_with_term)).order()
        return self.users_with_term[order[index * size : (index + 1) * size]]

    def weight_sum(self, batch: Ints) -> float:
        return float(self.weight[batch].sum())

    def loss_and_reg(  # type: ignore[override]
        self, step: int, batch: Ints
    ) -> tuple[Tensor, Tensor]:
        z = self.forward(step).fused
        item_rows = torch.tensor(self.config.users + self.catalogue)
        scores = z[batch] @ z[item_rows].T / self.config.temperature  # [users x catalogue]
        if self.config.item_bias:
            scores = scores + self.parameters["a"][item_rows, 0]
        weight = self.weight[batch][:, self.catalogue]
        if self.config.shared_negatives == 0:
            loss = -(weight * torch.log_softmax(scores, dim=1)).sum()
        else:
            log_sum = self.estimated_log_sum(scores, batch, self.shared_sampler.draw(step))
            loss = -(weight * (scores - log_sum[:, None])).sum()
        tables = [self.parameters[name] for name in ("X0", "Y0") if name in self.parameters]
        squares = sum(
            (weight.sum(dim=1) * table[batch].square().sum(dim=1)).sum()
            + (weight.sum(dim=0) * table[item_rows].square().sum(dim=1)).sum()
            for table in tables
        )
        return loss, self.config.reg * squares

    def estimated_log_sum(self, scores: Tensor, batch: Ints, draws: Ints) -> Tensor:
        """Of scores [users x catalogue]: log(sum_own exp z + sum_other draws exp(z) / (S q)).

        A user's own items are all that it rated, of whatever weight.
        """
        rated = self.own_items[batch][:, self.catalogue]
        column = np.searchsorted(self.catalogue, draws)
        expected = torch.tensor(len(draws) * self.shared_sampler.probability[draws])
        own = scores.masked_fill(~rated, -math.inf)
        others = (scores[:, column] - expected.log()).masked_fill(rated[:, column], -math.inf)
        return torch.logsumexp(torch.cat([own, others], dim=1), dim=1)


def logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def rating_cuts(config: SoftmaxConfig, ratings: Ratings) -> Doubles:
    """Middles of neighbouring values, the offset in place of the one next above it."""
    levels = np.unique(ratings.value)
    pairs = itertools.pairwise(levels)
    return np.array([config.offset if a <= config.offset < b else (a + b) / 2 for a, b in pairs])


class PolarityReference:
    """The ordinal model of ratings' sizes, with batches of ratings and an Adam of its own."""

    def __init__(self, config: SoftmaxConfig, ratings: Ratings) -> None:
        self.config = config
        self.ratings = ratings
        self.cuts = rating_cuts(config, ratings)
        self.above = ratings.value[:, None] > self.cuts  # [n x cuts]
        self.counts: Bools = (ratings.value[:, None] != config.offset) | (
            self.cuts != config.offset
        )
        self.parameters = self._initial_parameters()
        self.adam = torch.optim.Adam(self.parameters.values(), lr=config.polarity_lr)

    @property
    def batches_per_epoch(self) -> int:
        return -(-len(self.ratings.user) // self.config.polarity_batch)

    def batch(self, number: int) -> Ints:
        """Ids of the ratings of a batch, from 1."""
        epoch, index = divmod(number - 1, self.batches_per_epoch)
        size, n = self.config.polarity_batch, len(self.ratings.user)
        order = Permutation(self.config.seed, epoch + 1, n, Purpose.POLARITY_ORDER).order()
        return order[index * size : (index + 1) * size]

    def loss_and_reg(self, step: int, batch: Ints) -> tuple[Tensor, Tensor]:
        rows = self.parameters["Q"]
        user = rows[torch.tensor(self.ratings.user[batch])]  # [B x (d_p + 1)], the bias last
        item = rows[torch.tensor(self.config.users + self.ratings.item[batch])]
        f = (user[:, :-1] * item[:, :-1]).sum(dim=1) + user[:, -1] + item[:, -1]
        margin = f[:, None] - self.thetas()
        sign = torch.tensor(np.where(self.above[batch], 1.0, -1.0))
        counts = torch.tensor(self.counts[batch]).double()
        parts = counts.sum(dim=1)
        factor = torch.where(parts < 2, torch.ones_like(parts), 2.0 / parts)
        losses = -torch.nn.functional.logsigmoid(sign * margin)
        loss = (factor[:, None] * counts * losses).sum()
        share = torch.tensor([1.0] * self.config.d_p + [BIAS_SHARE], dtype=torch.float64)
        squares = (share * (user.square() + item.square())).sum()
        return loss, self.config.polarity_reg * squares

    def thetas(self) -> Tensor:
        """Ascending: the first, and the logarithms of the steps to the others."""
        learnt = self.parameters["theta"]
        return torch.cumsum(torch.cat([learnt[:1], torch.exp(learnt[1:])]), dim=0)

    def gradients(self) -> Parameters:
        return {name: p.grad for name, p in self.parameters.items() if p.grad is not None}

    def train_step(self, step: int) -> tuple[float, float]:
        """The batches of a step; their sums."""
        loss_sum = reg_sum = 0.0
        for b in range(self.config.polarity_batches):
            number = (step - 1) * self.config.polarity_batches + b + 1
            self.adam.zero_grad()
            loss, reg = self.loss_and_reg(number, self.batch(number))
            (loss + reg).backward()
            self.adam.step()
            loss_sum += loss.item()
            reg_sum += reg.item()
        return loss_sum, reg_sum

    def _initial_parameters(self) -> Parameters:
        config, sign = self.config, self.ratings.value - self.config.offset
        rows = np.zeros((config.nodes, config.d_p + 1))
        normals = normal_table(config.seed, Purpose.POLARITY_TABLE, config.nodes, config.d_p)
        rows[:, :-1] = TABLE_STD * normals
        share = float(np.mean(sign > 0))
        for item in range(config.items):
            rated = sign[self.ratings.item == item]
            likes = float(np.sum(rated > 0)) + BIAS_PRIOR * share
            rows[config.users + item, -1] = logit(likes / (len(rated) + BIAS_PRIOR)) - logit(share)
        above = [float(np.mean(self.above[self.counts[:, k], k])) for k in range(len(self.cuts))]
        theta = np.array([-logit(share) for share in above])
        theta[1:] = np.log(np.diff(theta))  # of these data they ascend by themselves
        return {
            name: torch.tensor(v, requires_grad=True) for name, v in (("Q", rows), ("theta", theta))
        }

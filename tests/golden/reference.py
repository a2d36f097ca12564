# SPDX-License-Identifier: Apache-2.0
"""SiReN's training step in plain PyTorch, double precision, gradients by autograd.

Dense matrices, every row computed in every step: slow and obvious on purpose.
Nodes: user u is row u, item i is row users + i of every table [(users + items) x d].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from random_scheme import (
    Doubles,
    Ints,
    NegativeSampler,
    Permutation,
    Purpose,
    dislike_pair,
    keep_mask,
    keep_probability,
    normal_table,
    normal_weight,
    uniform_bias,
)

ATTENTION_WEIGHT = 100  # tensor number of W_a and b_a
ATTENTION_QUERY = 101
SITE_ATTENTION_LIKED = 64
SITE_ATTENTION_DISLIKED = 65

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Config:
    users: int = 30
    items: int = 20
    seed: int = 2021
    offset: float = 3.5
    d: int = 12
    layers: int = 3
    mlp_layers: int = 2
    negatives: int = 5
    dislike_pairs: int = 0  # of the negatives of a liked rating
    batch: int = 32
    reg: float = 0.05
    dislike_factor: float = 2.0
    exponent: float = 0.75
    dropout: float = 0.5
    lr: float = 5e-3
    model: str = "siren"  # siren | lightgcn, and with softmax factored
    norm: str = "sym"  # sym | mean
    attention: bool = True
    dislikes: bool = True
    kappa: float = 0.0  # weight of graph edges that are no likes

    @property
    def nodes(self) -> int:
        return self.users + self.items

    @property
    def table_std(self) -> float:
        """Of the initial rows of X and Y."""
        return math.sqrt(2.0 / (self.nodes + self.d))


@dataclass(frozen=True)
class Ratings:
    """Training ratings sorted by (user, item)."""

    user: Ints
    item: Ints
    value: Doubles

    def select(self, keep: Ints) -> Ratings:
        return Ratings(self.user[keep], self.item[keep], self.value[keep])


@dataclass(frozen=True)
class Batch:
    rating: Ints  # [B] rating ids in position order
    user: Ints  # [B]
    item: Ints  # [B]
    sign: Doubles  # [B] value - offset, never 0
    negatives: Ints  # [B x K], -1 = the rating has no term


@dataclass(frozen=True)
class Embeddings:
    liked: Tensor  # Zp
    disliked: Tensor | None  # Zn, absent in lightgcn
    fused: Tensor  # Z


def initial_parameters(config: Config) -> Parameters:
    seed, d, nodes = config.seed, config.d, config.nodes
    weight_std = math.sqrt(2.0 / (2 * d))
    values = {"X0": normal_table(seed, Purpose.LIKED_TABLE, nodes, d) * config.table_std}
    if config.model == "siren":
        values["Y0"] = normal_table(seed, Purpose.DISLIKED_TABLE, nodes, d) * config.table_std
        for layer in range(config.mlp_layers):
            values[f"W{layer}"] = normal_weight(seed, layer, d) * weight_std
            values[f"b{layer}"] = uniform_bias(seed, layer, d)
        if config.attention:
            values["Wa"] = normal_weight(seed, ATTENTION_WEIGHT, d) * weight_std
            values["ba"] = uniform_bias(seed, ATTENTION_WEIGHT, d)
            values["q"] = uniform_bias(seed, ATTENTION_QUERY, d)
    return {name: torch.tensor(v, requires_grad=True) for name, v in values.items()}


def propagation_matrix(config: Config, ratings: Ratings) -> Tensor:
    """D^-1/2 A D^-1/2 (sym) or D^-1 A (mean), dense [nodes x nodes]. A liked edge weighs 1."""
    weight = np.where(ratings.value > config.offset, 1.0, config.kappa)
    adjacency = torch.zeros(config.nodes, config.nodes, dtype=torch.float64)
    edges = torch.tensor(ratings.user), torch.tensor(config.users + ratings.item)
    adjacency[edges] = torch.tensor(weight)
    adjacency = adjacency + adjacency.T
    degree = adjacency.sum(dim=1)
    exponent = -0.5 if config.norm == "sym" else -1.0
    scale = torch.where(degree > 0, degree, torch.ones_like(degree)) ** exponent
    if config.norm == "sym":
        return scale[:, None] * adjacency * scale[None, :]
    return scale[:, None] * adjacency


class Reference:
    """One training run: model, batches and Adam. Steps and epochs count from 1."""

    def __init__(self, config: Config, ratings: Ratings) -> None:
        self.config = config
        sign = ratings.value - config.offset
        uses_dislikes = config.model == "siren" and config.dislikes
        trainable = (sign != 0) if uses_dislikes else (sign > 0)
        self.trainable = ratings.select(np.flatnonzero(trainable))
        self.operator = propagation_matrix(config, ratings)
        self.rated = [set(ratings.item[ratings.user == u].tolist()) for u in range(config.users)]
        self.disliked = [
            ratings.item[(ratings.user == u) & (sign < 0)].tolist() for u in range(config.users)
        ]
        degree = np.bincount(ratings.item, minlength=config.items).astype(np.float64)
        self.sampler = NegativeSampler(config.seed, degree**config.exponent)
        self.parameters = initial_parameters(config)
        self.adam = torch.optim.Adam(self.parameters.values(), lr=config.lr)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.trainable.user) // self.config.batch)

    def batch(self, step: int) -> Batch:
        epoch, index = divmod(step - 1, self.steps_per_epoch)
        order = Permutation(self.config.seed, epoch + 1, len(self.trainable.user)).order()
        ids = order[index * self.config.batch : (index + 1) * self.config.batch]
        chosen = self.trainable.select(ids)
        negatives = [self._negatives(int(r), epoch + 1) for r in ids]
        sign = chosen.value - self.config.offset
        return Batch(ids, chosen.user, chosen.item, sign, np.array(negatives, dtype=np.int64))

    def forward(self, step: int) -> Embeddings:
        liked = self._liked_branch()
        if self.config.model != "siren":
            return Embeddings(liked, None, liked)
        disliked = self._disliked_branch(step)
        return Embeddings(liked, disliked, self._fuse(liked, disliked, step))

    def loss_and_reg(self, step: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sums over the batch; reg includes its factor and leaves out ratings without a term."""
        z = self.forward(step).fused
        has_term = np.flatnonzero(batch.negatives[:, 0] >= 0)
        z_user = z[torch.tensor(batch.user[has_term])]  # [B' x d]
        z_item = z[torch.tensor(self.config.users + batch.item[has_term])]  # [B' x d]
        z_negative = z[torch.tensor(self.config.users + batch.negatives[has_term])]  # [B' x K x d]
        factor = np.where(batch.sign[has_term] < 0, self.config.dislike_factor, 1.0)
        positive = torch.tensor(factor) * (z_user * z_item).sum(dim=-1)
        negative = (z_user[:, None, :] * z_negative).sum(dim=-1)
        loss = -torch.nn.functional.logsigmoid(positive[:, None] - negative).sum()
        squares = z_user.square().sum() + z_item.square().sum() + z_negative.square().sum()
        return loss, self.config.reg * squares

    def gradients(self) -> Parameters:
        """Gradients left by the last backward pass."""
        return {name: p.grad for name, p in self.parameters.items() if p.grad is not None}

    def train_step(self, step: int) -> tuple[float, float]:
        """Leaves the gradients in place; the next call clears them."""
        self.adam.zero_grad()
        loss, reg = self.loss_and_reg(step, self.batch(step))
        (loss + reg).backward()
        self.adam.step()
        return loss.item(), reg.item()

    def _negatives(self, rating: int, epoch: int) -> list[int]:
        user = int(self.trainable.user[rating])
        disliked = self.disliked[user]
        liked = self.trainable.value[rating] > self.config.offset
        pairs = self.config.dislike_pairs if liked and disliked else 0
        sampled = self.config.negatives - pairs
        drawn = [self.sampler.sample(rating, self.rated[user], epoch, k) for k in range(sampled)]
        if drawn and drawn[0] < 0:
            return [-1] * self.config.negatives
        seed = self.config.seed
        return drawn + [dislike_pair(seed, disliked, rating, epoch, k) for k in range(pairs)]

    def _liked_branch(self) -> Tensor:
        tables = [self.parameters["X0"]]
        for _ in range(self.config.layers):
            tables.append(self.operator @ tables[-1])
        return torch.stack(tables).mean(dim=0)

    def _disliked_branch(self, step: int) -> Tensor:
        y = self.parameters["Y0"]
        for layer in range(self.config.mlp_layers):
            y = torch.relu(y @ self.parameters[f"W{layer}"].T + self.parameters[f"b{layer}"])
            y = self._dropout(y, layer, step)
        return y

    def _fuse(self, liked: Tensor, disliked: Tensor, step: int) -> Tensor:
        if not self.config.attention:
            return (liked + disliked) / 2.0
        scores = torch.stack(
            [
                self._attention_score(liked, SITE_ATTENTION_LIKED, step),
                self._attention_score(disliked, SITE_ATTENTION_DISLIKED, step),
            ]
        )
        alpha = torch.softmax(scores, dim=0)
        return alpha[0][:, None] * liked + alpha[1][:, None] * disliked

    def _attention_score(self, z: Tensor, site: int, step: int) -> Tensor:
        hidden = torch.tanh(z @ self.parameters["Wa"].T + self.parameters["ba"])
        return self._dropout(hidden, site, step) @ self.parameters["q"]

    def _dropout(self, x: Tensor, site: int, step: int) -> Tensor:
        q16 = keep_probability(self.config.dropout)
        mask = keep_mask(self.config.seed, site, step, (x.shape[0], x.shape[1]), q16)
        return x * torch.tensor(mask) * (65536.0 / q16)

// SPDX-License-Identifier: Apache-2.0
#include "distributed/vertex_cover.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

constexpr std::int32_t kNone = -1;

/// Hopcroft and Karp: phases, each of which lengthens the matching by a maximal set of shortest
/// augmenting paths that share no vertex.
class Matching {
 public:
  explicit Matching(const BipartiteGraph& graph)
      : graph_(graph),
        of_left_(graph.offsets.size() - 1, kNone),
        of_right_(as_index(graph.right_count), kNone),
        level_(of_left_.size(), kNone),
        next_(of_left_.size(), 0) {
    take_free_neighbours();
    while (find_levels())
      for (std::int32_t left = 0; left < left_count(); ++left)
        if (of_left_[as_index(left)] == kNone && augment(left)) ++size_;
  }

  /// Koenig: what alternating paths from free left vertices reach is not in the cover on the left,
  /// and in it on the right. The last search of levels went exactly these ways.
  VertexCover cover() const {
    VertexCover cover;
    cover.matching = size_;
    cover.right.assign(of_right_.size(), 0);
    cover.left.reserve(of_left_.size());
    for (std::int32_t left = 0; left < left_count(); ++left) {
      const bool reached = level_[as_index(left)] != kNone;
      cover.left.push_back(reached ? 0 : 1);
      if (!reached) continue;
      for (const std::int32_t right : neighbours(left)) cover.right[as_index(right)] = 1;
    }
    return cover;
  }

 private:
  std::int32_t left_count() const { return static_cast<std::int32_t>(of_left_.size()); }
  std::span<const std::int32_t> neighbours(std::int32_t left) const {
    return std::span(graph_.right)
        .subspan(as_index(graph_.offsets[as_index(left)]),
                 as_index(graph_.offsets[as_index(left) + 1] - graph_.offsets[as_index(left)]));
  }

  void match(std::int32_t left, std::int32_t right) {
    of_left_[as_index(left)] = right;
    of_right_[as_index(right)] = left;
  }

  void take_free_neighbours() {
    for (std::int32_t left = 0; left < left_count(); ++left)
      for (const std::int32_t right : neighbours(left))
        if (of_right_[as_index(right)] == kNone) {
          match(left, right);
          ++size_;
          break;
        }
  }

  /// Breadth first along alternating paths from all free left vertices. Whether a free right vertex
  /// was met.
  bool find_levels() {
    std::fill(level_.begin(), level_.end(), kNone);
    std::fill(next_.begin(), next_.end(), 0);
    queue_.clear();
    for (std::int32_t left = 0; left < left_count(); ++left)
      if (of_left_[as_index(left)] == kNone) {
        level_[as_index(left)] = 0;
        queue_.push_back(left);
      }
    bool free_met = false;
    for (std::size_t at = 0; at < queue_.size(); ++at) {
      const std::int32_t left = queue_[at];
      for (const std::int32_t right : neighbours(left)) {
        const std::int32_t onward = of_right_[as_index(right)];
        if (onward == kNone) {
          free_met = true;
        } else if (level_[as_index(onward)] == kNone) {
          level_[as_index(onward)] = level_[as_index(left)] + 1;
          queue_.push_back(onward);
        }
      }
    }
    return free_met;
  }

  /// Depth first down the levels from a free left vertex, each edge at most once in a phase.
  bool augment(std::int32_t root) {
    path_.assign(1, root);
    while (!path_.empty()) {
      const std::int32_t left = path_.back();
      const std::span<const std::int32_t> rights = neighbours(left);
      std::int64_t& next = next_[as_index(left)];
      if (next == std::ssize(rights)) {
        path_.pop_back();
        continue;
      }
      const std::int32_t onward = of_right_[as_index(rights[as_index(next)])];
      if (onward == kNone) {
        flip_path();
        return true;
      }
      ++next;
      if (level_[as_index(onward)] == level_[as_index(left)] + 1) path_.push_back(onward);
    }
    return false;
  }

  /// The last vertex of the path takes the free right vertex at which it stands, each one before it
  /// the right vertex that the next has left.
  void flip_path() {
    std::int64_t& last = next_[as_index(path_.back())];
    std::int32_t right = neighbours(path_.back())[as_index(last)];
    ++last;
    for (; !path_.empty(); path_.pop_back()) {
      const std::int32_t freed = of_left_[as_index(path_.back())];
      match(path_.back(), right);
      right = freed;
    }
  }

  const BipartiteGraph& graph_;
  std::vector<std::int32_t> of_left_;   // matched right vertex
  std::vector<std::int32_t> of_right_;  // matched left vertex
  std::vector<std::int32_t> level_;     // of left vertices
  std::vector<std::int64_t> next_;      // neighbour of a left vertex that is tried next
  std::vector<std::int32_t> queue_;
  std::vector<std::int32_t> path_;
  std::int64_t size_ = 0;
};

/// Rows of a side, numbered from 0 in the order in which they are met.
class Numbers {
 public:
  std::int32_t of(LocalRow row) {
    if (std::ssize(numbers_) <= row) numbers_.resize(as_index(row) + 1, kNone);
    std::int32_t& number = numbers_[as_index(row)];
    if (number == kNone) {
      number = static_cast<std::int32_t>(rows_.size());
      rows_.push_back(row);
    }
    return number;
  }
  std::int32_t count() const { return static_cast<std::int32_t>(rows_.size()); }
  void clear() {
    for (const LocalRow row : rows_) numbers_[as_index(row)] = kNone;
    rows_.clear();
  }

 private:
  std::vector<std::int32_t> numbers_;
  std::vector<LocalRow> rows_;
};

/// Where an edge stands: its place in edges.full, or behind those in edges.light.
using EdgePlaces = std::vector<std::int64_t>;

const AnchoredEdge& edge_at(const GraphEdges& edges, std::int64_t place) {
  const std::int64_t full = std::ssize(edges.full);
  return place < full ? edges.full[as_index(place)] : edges.light[as_index(place - full)];
}

/// Places of the cut edges by the traveller's rank; offsets [ranks + 1].
EdgePlaces places_by_rank(const GraphEdges& edges, int rank, std::vector<std::int64_t>& offsets) {
  const auto for_cut_edges = [&](const auto& body) {
    std::int64_t place = 0;
    for (const auto* run : {&edges.full, &edges.light})
      for (const AnchoredEdge& edge : *run) {
        if (edge.traveller.rank != rank) body(edge.traveller.rank, place);
        ++place;
      }
  };
  for_cut_edges([&](std::int32_t peer, std::int64_t) { ++offsets[as_index(peer) + 1]; });
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  EdgePlaces places(as_index(offsets.back()));
  std::vector<std::int64_t> next(offsets.begin(), offsets.end() - 1);
  for_cut_edges([&](std::int32_t peer, std::int64_t place) {
    places[as_index(next[as_index(peer)]++)] = place;
  });
  return places;
}

/// The edges between two ranks: travellers left, anchors right.
BipartiteGraph between_ranks(const GraphEdges& edges, std::span<const std::int64_t> places,
                             Numbers& travellers, Numbers& anchors) {
  BipartiteGraph graph;
  for (const std::int64_t place : places) {
    const AnchoredEdge& edge = edge_at(edges, place);
    const std::size_t left = as_index(travellers.of(edge.traveller.row));
    if (left + 1 == graph.offsets.size()) graph.offsets.push_back(0);
    ++graph.offsets[left + 1];
    anchors.of(edge.anchor);
  }
  graph.right_count = anchors.count();
  std::partial_sum(graph.offsets.begin(), graph.offsets.end(), graph.offsets.begin());
  graph.right.resize(places.size());
  std::vector<std::int64_t> next(graph.offsets.begin(), graph.offsets.end() - 1);
  for (const std::int64_t place : places) {
    const AnchoredEdge& edge = edge_at(edges, place);
    graph.right[as_index(next[as_index(travellers.of(edge.traveller.row))]++)] =
        anchors.of(edge.anchor);
  }
  return graph;
}

std::int64_t sum(std::span<const std::int64_t> values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

}  // namespace

VertexCover minimum_vertex_cover(const BipartiteGraph& graph) {
  return Matching(graph).cover();
}

std::int64_t CutCover::rows() const {
  return sum(travellers) + sum(anchors);
}

CutCover cover_cut_edges(const GraphEdges& edges, int rank, int ranks) {
  CutCover result;
  result.full_at_traveller.assign(edges.full.size(), false);
  result.light_at_traveller.assign(edges.light.size(), false);
  result.travellers.assign(as_index(ranks), 0);
  result.anchors.assign(as_index(ranks), 0);
  std::vector<std::int64_t> offsets(as_index(ranks) + 1, 0);
  const EdgePlaces all = places_by_rank(edges, rank, offsets);
  Numbers travellers;
  Numbers anchors;
  for (std::size_t peer = 0; peer < as_index(ranks); ++peer) {
    const auto places = std::span(all).subspan(as_index(offsets[peer]),
                                               as_index(offsets[peer + 1] - offsets[peer]));
    travellers.clear();
    anchors.clear();
    const VertexCover cover =
        minimum_vertex_cover(between_ranks(edges, places, travellers, anchors));
    for (const std::int64_t place : places) {
      if (cover.left[as_index(travellers.of(edge_at(edges, place).traveller.row))] != 0) continue;
      const std::int64_t full = std::ssize(edges.full);
      if (place < full)
        result.full_at_traveller[as_index(place)] = true;
      else
        result.light_at_traveller[as_index(place - full)] = true;
    }
    result.travellers[peer] = std::count(cover.left.begin(), cover.left.end(), 1);
    result.anchors[peer] = std::count(cover.right.begin(), cover.right.end(), 1);
    SIREN_ASSERT(result.travellers[peer] + result.anchors[peer] == cover.matching,
                 "a cover of {} + {} rows, a matching of {}", result.travellers[peer],
                 result.anchors[peer], cover.matching);
  }
  return result;
}

}  // namespace siren::inline distributed

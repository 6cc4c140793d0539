"""Regions of the partition, as loops over arrays: clusters read, left, and made anew from the edges of their nodes.

A cluster is named by its smallest node, and is a chain from it: `after[node]` is the next greater node of the same one,
−1 after the last. `size` and `low` are of the cluster, at its name. `marks` is a byte a node, `place` a number a node;
they are 0 and −1 before and after, so that nothing of the size of the whole is made or swept for a region of a dozen.
"""

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.index.chains import held_by
from services.linkage.index.cluster import Floats, Ints, similarity
from services.linkage.index.edges import CONFLICT, DEAD, LEFT, RIGHT, WEIGHT, Halves, Rows

Labels = NDArray[np.int32]
Marks = NDArray[np.uint8]
Number = int | np.int64
Edges = tuple[Ints, Ints, Ints, Ints]
"""Two ends of n edges, weight, conflict."""

NEWS, UPSET = 1, 2


@compiled
def names(nodes: Ints, label: Labels, marks: Marks) -> Ints:
    """The names of the clusters of n nodes, each once."""
    found = np.empty(len(nodes), np.int64)
    count = 0
    for node in nodes:
        if not marks[label[node]]:
            marks[label[node]] = 1
            found[count] = label[node]
            count += 1
    for name in found[:count]:
        marks[name] = 0
    return found[:count]


@compiled
def members(names: Ints, size: Labels, after: Labels) -> tuple[Ints, Ints]:
    """The nodes of n clusters, one cluster's after the other's, each in order; and where each ends."""
    ends = np.empty(len(names), np.int64)
    count = 0
    for at, name in enumerate(names):
        count += size[name]
        ends[at] = count
    found = np.empty(count, np.int64)
    count = 0
    for name in names:
        count = _written(found, count, name, after)
    return found, ends


@compiled
def joined(nodes: Ints, label: Labels, size: Labels, after: Labels, marks: Marks) -> Ints:
    """All nodes of the clusters of n nodes."""
    return members(names(nodes, label, marks), size, after)[0]


@compiled
def _written(found: Ints, at: int, name: int, after: Labels) -> int:
    """Write a cluster's nodes into an array; where they end."""
    node: Number = name
    while node >= 0:
        found[at] = node
        at += 1
        node = np.int64(after[node])
    return at


@compiled
def taken(
    nodes: Ints, sizes: Ints, thin: NDArray[np.bool_], label: Labels, size: Labels, after: Labels, first: Floats,
    low: Floats,
) -> None:  # fmt: skip
    """Make clusters of nodes that are alone, one cluster's after the other's, each in order, not saying how they
    merged; thin nodes stay alone."""
    start = 0
    for many in sizes:
        name: Number = -1
        last: Number = -1
        for node in nodes[start : start + many]:
            if not thin[node]:
                name = node if name < 0 else name
                last = _added(node, name, last, label, size, after, first, low)
        start += many


@compiled
def retraced(
    region: Ints, label: Labels, size: Labels, after: Labels, first: Floats, low: Floats, found: Ints, levels: Floats,
    lows: Floats,
) -> None:  # fmt: skip
    """Note how those clusters merged that are whole in a region and were found in it as they are."""
    many = np.zeros(len(region), np.int64)
    for cluster in found:
        many[cluster] += 1
    for at, node in enumerate(region):
        cluster = found[at]
        if many[cluster] == size[label[node]]:
            first[node] = levels[at]
            if cluster == at:
                low[label[node]] = lows[at]


@compiled
def _added(
    node: Number, name: Number, last: Number, label: Labels, size: Labels, after: Labels, first: Floats, low: Floats
) -> Number:  # fmt: skip
    """Add a node that is alone to the end of a cluster, or begin it; the end of it now."""
    if node != name:
        label[node], after[last] = name, node
        size[name] += 1
        first[name] = first[node] = low[name] = -np.inf
    return node


@compiled
def _left(
    gone: Ints, label: Labels, size: Labels, after: Labels, first: Floats, low: Floats, marks: Marks
) -> Ints:  # fmt: skip
    """Take nodes out of their clusters; the names of the rests, of which it is not known how they hold together."""
    for node in gone:
        marks[node] = 1
    rests = np.empty(len(gone), np.int64)
    count = 0
    for node in gone:
        if size[label[node]] > 1:
            rest = _rest(np.int64(label[node]), label, size, after, first, low, marks)
            if rest >= 0:
                rests[count] = rest
                count += 1
    for node in gone:
        marks[node] = 0
    return rests[:count]


@compiled
def _rest(
    name: Number, label: Labels, size: Labels, after: Labels, first: Floats, low: Floats, gone: Marks
) -> Number:  # fmt: skip
    """Dissolve a cluster, and make one of those that are not gone; its name, −1 if all are."""
    rest: Number = -1
    last: Number = -1
    node = name
    while node >= 0:
        following = np.int64(after[node])
        label[node], size[node], after[node] = node, 1, -1
        first[node] = low[node] = np.inf
        if not gone[node]:
            rest = node if rest < 0 else rest
            last = _added(node, rest, last, label, size, after, first, low)
        node = following
    return rest


@compiled
def _widened(
    region: Ints, length: Labels, start: NDArray[np.uint32], pool: Labels, rows: Rows, link: int, label: Labels,
    size: Labels, after: Labels, marks: Marks,
) -> Ints:  # fmt: skip
    """The region and what its nodes may merge with at once: one run then settles most of it."""
    ends = np.empty(len(region) + held_by(region, length), np.int64)
    count = 0
    for node in region:
        ends[count] = node
        count += 1
        if node < len(length):
            for at in range(np.int64(start[node]), np.int64(start[node]) + length[node]):
                edge = pool[at]
                if rows[edge, WEIGHT] >= link:  # what is no more weighs less
                    ends[count] = rows[edge, LEFT] + rows[edge, RIGHT] - node
                    count += 1
    return joined(ends[:count], label, size, after, marks)


@compiled
def stirred_up(
    changed: Ints, gone: Ints, stirred: Ints, thin: NDArray[np.bool_], length: Labels, start: NDArray[np.uint32],
    pool: Labels, rows: Rows, halves: Halves, link: int, label: Labels, size: Labels, after: Labels, first: Floats,
    low: Floats, marks: Marks,
) -> tuple[Ints, Ints, Ints, Ints]:  # fmt: skip
    """Take the nodes that are gone out of their clusters. The names of the rests; the nodes that changed and live; the
    names of the clusters of these, and of all that was stirred up; and the region to begin with."""
    moved, leaving = _without(changed, thin), _without(gone, thin)
    touched = np.empty(len(moved) + len(stirred), np.int64)
    for at, node in enumerate(moved):
        touched[at] = node
    for at, node in enumerate(stirred):
        touched[len(moved) + at] = node
    region = joined(touched, label, size, after, marks)
    rests = _left(leaving, label, size, after, first, low, marks)
    for node in leaving:
        marks[node] = 1
    region, living = _without(region, marks), _without(moved, marks)
    for node in leaving:
        marks[node] = 0
    news = names(region, label, marks)
    region = _widened(region, length, start, pool, rows, link, label, size, after, marks)
    return rests, living, news, region


@compiled
def _without(nodes: Ints, these: NDArray[np.bool_] | Marks) -> Ints:
    """The nodes that are not marked."""
    found = np.empty(len(nodes), np.int64)
    count = 0
    for node in nodes:
        if not these[node]:
            found[count] = node
            count += 1
    return found[:count]


@compiled
def around(
    region: Ints, length: Labels, start: NDArray[np.uint32], pool: Labels, rows: Rows, halves: Halves, decided: Ints,
    verdicts: Ints, place: Labels,
) -> tuple[Edges, Edges]:  # fmt: skip
    """The edges of a region's nodes: position of the near end, far node, weight, conflict; and of these the ones with
    both ends in the region, each once, as edges of positions.

    What is decided of two nodes takes the place of what they weigh: `decided` are position × how many nodes there are +
    far node, in order.
    """
    room = held_by(region, length) + len(decided)
    near, far = np.empty(room, np.int64), np.empty(room, np.int64)
    weights, conflicts = np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    for at, node in enumerate(region):
        if node < len(length):
            for where in range(np.int64(start[node]), np.int64(start[node]) + length[node]):
                edge = pool[where]
                end = np.int64(rows[edge, LEFT]) + rows[edge, RIGHT] - node
                if rows[edge, WEIGHT] != DEAD and not _has(decided, at * len(place) + end):
                    near[count], far[count] = at, end
                    weights[count], conflicts[count] = rows[edge, WEIGHT], halves[edge, CONFLICT]
                    count += 1
    for at, code in enumerate(decided):
        near[count], far[count] = code // len(place), code % len(place)
        weights[count], conflicts[count] = verdicts[at], 0
        count += 1
    edges = near[:count], far[:count], weights[:count], conflicts[:count]
    return edges, _within(region, near[:count], far[:count], weights[:count], conflicts[:count], place)


@compiled
def _within(region: Ints, near: Ints, far: Ints, weight: Ints, conflict: Ints, place: Labels) -> Edges:
    for at, node in enumerate(region):
        place[node] = at
    count = 0
    for at in range(len(near)):
        count += near[at] < place[far[at]]
    one, other = np.empty(count, np.int64), np.empty(count, np.int64)
    said, against = np.empty(count, np.int64), np.empty(count, np.int64)
    count = 0
    for at in range(len(near)):
        if near[at] < place[far[at]]:
            one[count], other[count], said[count], against[count] = near[at], place[far[at]], weight[at], conflict[at]
            count += 1
    for node in region:
        place[node] = -1
    return one, other, said, against


@compiled
def adopted(
    region: Ints, label: Labels, size: Labels, after: Labels, first: Floats, low: Floats, near: Ints, far: Ints,
    weight: Ints, conflict: Ints, found: Ints, levels: Floats, lows: Floats, news: Ints, proved: Ints, link: int,
    missing: int, place: Labels, marks: Marks,
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Make the clusters found in a region (in order), with the edges around it, those that hold.

    Back come all names, old and new, that mean another cluster now; the new ones among them; and codes of each two
    names, one of them news or such, that may not be right yet (``_doubted``), but for those `proved` (in order) of
    which neither means another cluster now.
    """
    for name in news:
        marks[name] = NEWS
    upset, fresh = _adopted(region, found, levels, lows, label, size, after, first, low, marks)
    newest, before = _border(region, near, far, found, place)
    doubts = _doubted(
        region, near, far, weight, conflict, newest, before, proved, link, missing, label, size, first, low, place,
        marks,
    )  # fmt: skip
    for name in news:
        marks[name] = 0
    for name in upset:
        marks[name] = 0
    return upset, fresh, doubts


@compiled
def _adopted(
    region: Ints, found: Ints, levels: Floats, lows: Floats, label: Labels, size: Labels, after: Labels,
    first: Floats, low: Floats, marks: Marks,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Make the clusters found those that hold. The names that mean another cluster now (marked so), and the new ones
    among them."""
    many, last = np.zeros(len(region), np.int64), np.empty(len(region), np.int64)
    other = np.zeros(len(region), np.bool_)
    for at, node in enumerate(region):
        many[found[at]] += 1
        other[found[at]] |= label[node] != label[region[found[at]]]
    upset, fresh = np.empty(2 * len(region), np.int64), np.empty(len(region), np.int64)
    count = new = 0
    for at, node in enumerate(region):
        if found[at] == at:
            other[at] |= size[label[node]] != many[at]
        if other[found[at]]:
            count = _noted(np.int64(label[node]), upset, count, marks)
    for at, node in enumerate(region):
        cluster = found[at]
        label[node], first[node], after[node] = region[cluster], levels[at], -1
        if cluster == at:
            size[node], low[node] = many[at], lows[at]
            if other[at]:
                count = _noted(node, upset, count, marks)
                fresh[new] = node
                new += 1
        else:
            after[last[cluster]] = node
        last[cluster] = node
    return upset[:count], fresh[:new]


@compiled
def _noted(name: Number, upset: Ints, count: int, marks: Marks) -> int:
    """Write down a name and mark it, unless it is; how many are written down."""
    if marks[name] == UPSET:
        return count
    marks[name] = UPSET
    upset[count] = name
    return count + 1


@compiled
def _border(region: Ints, near: Ints, far: Ints, found: Ints, place: Labels) -> tuple[Ints, Ints]:
    """Of the edges that leave the region a chain for each cluster: the one it begins with, and the one after each."""
    newest, before = np.empty(len(region), np.int64), np.empty(len(near), np.int64)
    for at, node in enumerate(region):
        newest[at], place[node] = -1, at
    for at in range(len(near)):
        if place[far[at]] < 0:
            cluster = found[near[at]]
            before[at], newest[cluster] = newest[cluster], at
    for node in region:
        place[node] = -1
    return newest, before


@compiled
def _doubted(
    region: Ints, near: Ints, far: Ints, weight: Ints, conflict: Ints, newest: Ints, before: Ints, proved: Ints,
    link: int, missing: int, label: Labels, size: Labels, first: Floats, low: Floats, place: Labels, marks: Marks,
) -> Ints:  # fmt: skip
    """Codes of each two clusters, one of them news (marked so), that edges across the region's border may concern and
    that are not proved harmless.

    At no time can two parts of two clusters be more similar than the strongest edge between the clusters, nor, where
    one part has two nodes or more, than half of what speaks for them; conflict only lessens both. So an edge matters
    where a node's first merge was weaker than it, all edges together where a later merge was weaker than half of what
    speaks for the two.
    """
    room = len(near)
    others, sums, against = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    speaking, strong, doubts = np.empty(room, np.int64), np.empty(room, np.bool_), np.empty(room, np.int64)
    count = 0
    for cluster, name in enumerate(region):
        rows, at = 0, newest[cluster]
        while at >= 0:
            other = label[far[at]]
            if marks[name] or marks[other]:
                row = place[other]
                if row < 0:
                    row, place[other], others[rows] = rows, rows, other
                    sums[row] = against[row] = speaking[row] = 0
                    strong[row] = False
                    rows += 1
                evidence = weight[at] - missing
                sums[row] += evidence
                speaking[row] += max(evidence, 0)
                against[row] += conflict[at]
                least = min(first[region[near[at]]], first[far[at]])
                strong[row] |= weight[at] >= link and weight[at] >= least
            at = before[at]
        for row in range(rows):
            other = others[row]
            place[other] = -1
            alike = similarity(sums[row], against[row], size[name], size[other], missing)
            later = speaking[row] / 2 + missing >= min(low[name], low[other])
            if strong[row] or later or alike >= link:
                code = min(name, other) * len(label) + max(name, other)
                if marks[name] == UPSET or marks[other] == UPSET or not _has(proved, code):
                    doubts[count] = code
                    count += 1
    return doubts[:count]


@compiled
def _has(ordered: Ints, value: int) -> bool:
    """Whether a value is among ordered ones."""
    start, stop = 0, len(ordered)
    while start < stop:
        middle = (start + stop) // 2
        if ordered[middle] < value:
            start = middle + 1
        else:
            stop = middle
    return start < len(ordered) and ordered[start] == value

"""The Merkle tree of RFC 6962 over any number of leaves, read through tiles of 256 hashes (c2sp.org/tlog-tiles). Pure.

``Nodes`` is how a tree is read: ``nodes(level, start, count)`` gives hashes of complete subtrees of 256**level leaves,
``count`` of them from the ``start``-th on, all of one tile.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

WIDTH = 256
HEIGHT = 8
EMPTY = sha256().digest()
"""The root of a tree without leaves."""

Nodes = Callable[[int, int, int], list[bytes]]


def leaf(entry: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\0" + entry).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of equal subtrees in order, of which the last may be smaller; of none, that of the empty
    tree. Pairs are hashed level by level, and what has no partner moves up: the same as RFC 6962's split."""
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        level = [*above, level[-1]] if len(level) % 2 else above
    return level[0] if level else EMPTY


def root(size: int, nodes: Nodes) -> bytes:
    """The root of the first ``size`` leaves: the right edge, tile by tile upwards."""
    level, carried = 0, list[bytes]()
    while size:
        tile, width = divmod(size, WIDTH)
        if hashes := [*(nodes(level, tile * WIDTH, width) if width else ()), *carried]:
            carried = [folded(hashes)]
        level, size = level + 1, tile
    return folded(carried)


def inclusion(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The audit path of the leaf at ``index`` in the tree of ``size`` leaves (RFC 6962, 2.1.1), from the leaf up."""
    path, low, high = list[bytes](), 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_subtree(middle, high, nodes))
            high = middle
        else:
            path.append(_subtree(low, middle, nodes))
            low = middle
    return path[::-1]


def consistency(old: int, size: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is the beginning of that of ``size`` (RFC 6962, 2.1.2); 0 < old."""
    path, low, high = list[bytes](), 0, size
    while old < high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_subtree(middle, high, nodes))
            high = middle
        else:
            path.append(_subtree(low, middle, nodes))
            low = middle
    return [*([_subtree(low, high, nodes)] if low else []), *path[::-1]]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(low: int, high: int, nodes: Nodes) -> bytes:
    """The hash over the leaves [low, high), where low is a multiple of the power of two that reaches up to high."""
    size = high - low
    if size & (size - 1):
        middle = low + _split(size)
        return folded([_subtree(low, middle, nodes), _subtree(middle, high, nodes)])
    level, within = divmod(size.bit_length() - 1, HEIGHT)
    return folded(nodes(level, low >> HEIGHT * level, 1 << within))

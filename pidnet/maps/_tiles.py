"""A map cut into square tiles of units: what one is, its atoms, and all of them on any executor.

unit     0 ..  255 .. 511 .. 767
0     [  (0,0)  (0,1)  (0,2)  ]    tile (I, J), I <= J, holds the pairs i < j of a unit i of block I
255   [         (1,1)  (1,2)  ]    with a unit j of block J: 65,536 at most, 32,640 on the diagonal.
511   [                (2,2)  ]    Only one tile for each worker is in memory, not all pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pidnet.codes import Codes
from pidnet.measures.atoms import NAMES, Atoms
from pidnet.progress import shown

SIDE = 256  # units of a block
WAITING = 2  # tiles for each worker, so that none is idle
MOST_WORKERS = 64  # where an executor does not say how many it has
VALUES = (*NAMES, "gap")
ENDS, P_VALUE = ("low", "high"), "p"


class Tile(NamedTuple):
    """The pairs of a unit of one block with a later unit of another, or of the same."""

    first: int
    second: int


def tiles_of(varying: np.ndarray) -> list[Tile]:
    """The tiles that hold pairs of the units that vary, in order of rows."""
    blocks, sizes = np.unique(varying // SIDE, return_counts=True)
    return [
        Tile(int(first), int(second))
        for k, first in enumerate(blocks)
        for second in blocks[k:]
        if first != second or sizes[k] > 1
    ]


def tile_units(varying: np.ndarray, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
    """The units that vary of both blocks."""
    return varying[varying // SIDE == tile.first], varying[varying // SIDE == tile.second]


def tile_pairs(varying: np.ndarray, tile: Tile) -> np.ndarray:
    """The pairs of a tile in their order, (pair, 2)."""
    first, second = tile_units(varying, tile)
    if tile.first == tile.second:
        return first[np.stack(np.triu_indices(len(first), 1), 1)]
    return np.stack([np.repeat(first, len(second)), np.tile(second, len(first))], 1)


def meets(tile: Tile, rows: np.ndarray, columns: np.ndarray) -> bool:
    """Whether a tile has pairs of a row and a column, in either order."""
    of_rows, of_columns = (np.unique(units // SIDE) for units in (rows, columns))
    return any(
        a in of_rows and b in of_columns for a, b in ((tile.first, tile.second), (tile.second, tile.first))
    )


def tile_codes(codes: Codes, layer: str, tile: Tile) -> Codes:
    """The codes of the units of a tile, of which only its pairs are looked at."""
    first, second = tile_units(codes.layer(layer).varying, tile)
    if tile.first == tile.second:
        return codes.take_layer(layer, first)
    part = codes.take_layer(layer, np.concatenate([first, second]))
    return replace(part, layers={layer: replace(part.layer(layer), first=len(first))})


def by_unit(codes: Codes, layer: str) -> Codes:
    """The same codes, those of a unit together in memory: tiles take units, and each unit is in many. Those on disk stay
    there."""
    known = codes.layer(layer)
    if not isinstance(known.values, Tensor):
        return codes
    return replace(codes, layers={layer: replace(known, values=known.values.T.contiguous().T)})


@dataclass(frozen=True, eq=False)
class Task:
    """What a worker gets: a tile, its codes, and what is done with them: atoms of the pairs, and what else is said of
    each pair, by the names of ``value_names``."""

    tile: Tile
    codes: Codes
    layer: str
    find: Callable[[Codes, str], tuple[Atoms, dict[str, np.ndarray]]]

    def __call__(self) -> tuple[Tile, np.ndarray, str]:
        """The tile, its values float32 (value, pair) by the names of ``value_names``, and the kind of gap.

        The gap takes in what rounding to float32 may change, so that what was proven stays so."""
        atoms, others = self.find(self.codes, self.layer)
        rounding = np.spacing(np.float32(max(np.abs(values).max() for _, values in atoms.items())))
        values = [*(values for _, values in atoms.items()), np.where(atoms.gap > 0, atoms.gap + rounding, 0)]
        return self.tile, np.stack([*values, *others.values()]).astype(np.float32), atoms.gap_kind


def value_names(intervals: bool, tested: bool) -> list[str]:
    """The names of the values of a tile, in order: atoms and gap, ends of their intervals, p-values of pairs."""
    ends = [f"{name}_{end}" for name in NAMES if intervals for end in ENDS]
    return [*VALUES, *ends, *(f"{name}_{P_VALUE}" for name in NAMES if tested)]


def finished(tasks: Iterable[Task], count: int, executor: Executor | None) -> Iterator[tuple]:
    """What each task gives, in the order in which they are done; those that fail are left out until the end.

    Raises RuntimeError then, with how many failed and the first reason.
    """
    failed: list[BaseException] = []
    done = map(_outcome, tasks) if executor is None else _outcomes(iter(tasks), executor)
    for outcome in shown(done, "tiles", total=count, unit="tile"):
        if isinstance(outcome, BaseException):
            failed.append(outcome)
        else:
            yield outcome
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {count} tiles were not made ({type(failed[0]).__name__}: {failed[0]}); "
            "with store= the others are kept, and the same call makes those that are missing"
        ) from failed[0]


def run_task(task: Task) -> tuple[Tile, np.ndarray, str]:
    """Call a task; at the top of a module, where every executor finds it."""
    return task()


def _outcome(task: Task) -> tuple | BaseException:
    try:
        return task()
    except (ValueError, TypeError):  # of the measure or the codes: the next tile would fail as well
        raise
    except Exception as error:
        return error


def _outcomes(tasks: Iterator[Task], executor: Executor) -> Iterator[tuple | BaseException]:
    """Results and errors as they come, with a few tasks under way and no more."""
    most = WAITING * (getattr(executor, "_max_workers", None) or MOST_WORKERS)
    running: dict[Future, Tile] = {}
    for task in tasks:
        try:
            running[executor.submit(run_task, task)] = task.tile
        except RuntimeError as error:  # an executor that is broken or shut down
            yield error
        if len(running) >= most:
            yield from _next_done(running)
    while running:
        yield from _next_done(running)


def _next_done(running: dict[Future, Tile]) -> Iterator[tuple | BaseException]:
    """What is done, and no longer running."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield _checked(future, running.pop(future))


def _checked(future: Future, tile: Tile) -> tuple | BaseException:
    """The result of a task, or why there is none."""
    try:
        result = future.result()
    except (ValueError, TypeError):
        raise
    except BaseException as error:  # a worker that is killed, a cancelled task
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return error
    if not isinstance(result, tuple) or result[0] != tile:
        return RuntimeError(f"the executor gave {type(result).__name__} for tile {tuple(tile)}")
    return result

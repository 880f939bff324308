import numpy as np
import pytest

import pidnet as pn
from pidnet.plots import plot_atoms


def test_bars_of_atoms_stack_up_to_the_information():
    tables = np.random.default_rng(1000).dirichlet(np.ones(8)).reshape(2, 2, 2)
    decomposed = {measure: pn.decompose(tables, measure) for measure in ("i_mmi", "i_ccs")}
    assert decomposed["i_ccs"].unique2.mean() < 0  # something hangs below 0
    axes = plot_atoms(decomposed).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["i_mmi", "i_ccs"]
    for k, atoms in enumerate(decomposed.values()):
        bars = [container[k] for container in axes.containers]
        ends = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars]
        top, bottom = max(map(max, ends)), min(map(min, ends))
        assert top + bottom == pytest.approx(atoms.total.mean())
        assert sum(bar.get_height() for bar in bars) == pytest.approx(atoms.total.mean())
        for bar, name in zip(bars, ("redundancy", "unique1", "unique2", "synergy"), strict=True):
            assert bar.get_height() == pytest.approx(getattr(atoms, name).mean())
    with pytest.raises(ValueError, match="no atoms to draw"):
        plot_atoms({})

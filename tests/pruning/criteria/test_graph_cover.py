import networkx
import numpy as np

from pidnet.pruning.criteria.graph_cover import rank_by_cover


def graph(information, edges):
    """edges: (i, j, redundancy, synergy)."""
    built = networkx.Graph()
    built.add_nodes_from((unit, {"unit_information": bits}) for unit, bits in enumerate(information))
    built.add_edges_from((i, j, {"redundancy": r, "synergy": s}) for i, j, r, s in edges)
    return built


def test_one_of_each_kind_is_kept_first():
    """Units 0, 1 and 2, 3 are copies of two independent bits."""
    ranking = rank_by_cover(graph([1, 1, 1, 1], [(0, 1, 1, 0), (2, 3, 1, 0)]))
    assert set(ranking.order[-2:]) in ({0, 2}, {0, 3}, {1, 2}, {1, 3})
    np.testing.assert_allclose(ranking.cost[ranking.order], [0, 0, 2, 2])


def test_a_pair_that_speaks_only_together_stays():
    """Units 0 and 1 are an XOR pair without information of their own, 2 and 3 are copies."""
    ranking = rank_by_cover(graph([0, 0, 0.5, 0.5], [(0, 1, 0, 1), (2, 3, 0.5, 0)]))
    assert ranking.order[0] in (2, 3)
    assert set(ranking.order[1:]) >= {0, 1}
    np.testing.assert_allclose(ranking.cost[ranking.order], [0, 1, 1, 1])


def test_units_without_information_go_first():
    ranking = rank_by_cover(graph([0.3, 0, 0.2], []))
    assert ranking.order.tolist() == [1, 2, 0]

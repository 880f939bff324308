"""Graphs as GraphML or JSON files."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path
from xml.etree.ElementTree import ParseError

import networkx

from pidnet.arguments import check_arguments
from pidnet.files import replacing, saved_as, write_text
from pidnet.graph.kinds import RedundancyGraph, ReplacementGraph

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ENDINGS = "expected .graphml or .json"


def save_graph(graph: networkx.Graph, path: str | Path) -> Path:
    """Write a graph as GraphML or as node-link JSON, by the ending of the path.

    Parameters
    ----------
    graph : networkx.Graph
        A redundancy or replacement graph.
    path : str or Path
        A file that ends in .graphml or .json.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        For another ending, or a name with control characters where the ending is .graphml.

    Examples
    --------
    >>> import networkx, pidnet as pn, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pn.save_graph(networkx.Graph([(0, 1)]), f"{folder}/graph.graphml").name
    'graph.graphml'
    """
    check_arguments(save_graph, locals())
    path = Path(path)
    match path.suffix:
        case ".graphml":
            _check_names(graph, path)
            with replacing(path) as temporary:
                networkx.write_graphml(graph, temporary)
        case ".json":
            write_text(path, json.dumps(networkx.node_link_data(graph, edges="edges")))
        case _:
            raise ValueError(f"{path} ends in {path.suffix!r}; {ENDINGS}")
    return path


def _check_names(graph: networkx.Graph, path: Path) -> None:
    """ValueError for a text that XML cannot hold."""
    parts = chain(
        [graph.graph], (data for _, data in graph.nodes(data=True)), (e[2] for e in graph.edges(data=True))
    )
    for text in chain.from_iterable(part.values() for part in parts):
        if isinstance(text, str) and NOT_IN_XML.search(text):
            raise ValueError(
                f"{text!r} has characters that GraphML cannot hold; save {path.stem}.json instead"
            )


def load_graph(path: str | Path) -> RedundancyGraph | ReplacementGraph:
    """Read a graph that ``save_graph`` wrote.

    Parameters
    ----------
    path : str or Path
        A file that ends in .graphml or .json.

    Returns
    -------
    RedundancyGraph or ReplacementGraph
        The graph: directed edges mean replacements.

    Raises
    ------
    FileNotFoundError
        Without such a file.
    ValueError
        For another ending, or a file that holds no graph.

    Examples
    --------
    >>> import networkx, pidnet as pn, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pn.save_graph(networkx.Graph([(0, 1)], layer="fc1"), f"{folder}/graph.json")
    ...     print(pn.load_graph(path).edges)
    [(0, 1)]
    """
    check_arguments(load_graph, locals())
    path = Path(path)
    if path.suffix not in (".graphml", ".json"):
        raise ValueError(f"{path} ends in {path.suffix!r}; {ENDINGS}")
    saved_as(path, path.suffix)
    try:
        if path.suffix == ".graphml":
            read = networkx.read_graphml(path, node_type=int)
        else:
            read = networkx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")
    except (ParseError, networkx.NetworkXError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no graph that can be read ({error}); save it again") from error
    return ReplacementGraph(read) if read.is_directed() else RedundancyGraph(read)

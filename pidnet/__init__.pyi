from . import (
    activations as activations,
    channels as channels,
    codes as codes,
    datasets as datasets,
    energy as energy,
    estimators as estimators,
    graph as graph,
    groups as groups,
    integrations as integrations,
    layers as layers,
    maps as maps,
    measures as measures,
    planes as planes,
    plots as plots,
    pruning as pruning,
    report as report,
    runs as runs,
    significance as significance,
    tables as tables,
    training as training,
    zoo as zoo,
)
from .activations import Activations as Activations, capture as capture
from .codes import (
    Codes as Codes,
    LayerCodes as LayerCodes,
    capture_codes as capture_codes,
    merge_units as merge_units,
    quantize as quantize,
    quantizers as quantizers,
    with_target as with_target,
)
from .energy import EnergyReport as EnergyReport, compare_energy as compare_energy
from .estimators import (
    Information as Information,
    channel_information as channel_information,
    channel_of as channel_of,
    code_information as code_information,
    fit_backward as fit_backward,
    label_information as label_information,
    mutual_information as mutual_information,
)
from .graph import (
    RedundancyGraph as RedundancyGraph,
    ReplacementGraph as ReplacementGraph,
    communities as communities,
    load_graph as load_graph,
    redundancy_graph as redundancy_graph,
    replacement_graph as replacement_graph,
    save_graph as save_graph,
)
from .groups import (
    GroupInvariants as GroupInvariants,
    group_invariants as group_invariants,
    random_groups as random_groups,
    representational_complexity as representational_complexity,
    unit_against_rest as unit_against_rest,
)
from .integrations.scikit_learn import CoverSelector as CoverSelector
from .maps import LayerMap as LayerMap, LayerMaps as LayerMaps, layer_maps as layer_maps
from .maps.profiles import Profile as Profile, profile as profile
from .maps.sensitivity import Sensitivity as Sensitivity, sensitivity as sensitivity
from .measures import MEASURES as MEASURES, Measure as Measure, decompose as decompose
from .measures.atoms import Atoms as Atoms
from .measures.blackwell import dominates as dominates
from .measures.dit import LatticeAtoms as LatticeAtoms, decompose_dit as decompose_dit
from .measures.gaussian import (
    GAUSSIAN_MEASURES as GAUSSIAN_MEASURES,
    decompose_gaussian as decompose_gaussian,
)
from .planes import (
    Collapse as Collapse,
    Plane as Plane,
    information_plane as information_plane,
    neural_collapse as neural_collapse,
)
from .pruning import (
    CRITERIA as CRITERIA,
    PruningPlan as PruningPlan,
    apply_plan as apply_plan,
    load_pruned as load_pruned,
    plan_pruning as plan_pruning,
    save_pruned as save_pruned,
)
from .significance import CORRECTIONS as CORRECTIONS, NULLS as NULLS
from .tables import (
    PairCovariances as PairCovariances,
    PairTables as PairTables,
    group_covariances as group_covariances,
    iterate_pair_tables as iterate_pair_tables,
    pair_covariances as pair_covariances,
    pair_tables as pair_tables,
    shannon as shannon,
)
from .training import Recorder as Recorder

__version__: str

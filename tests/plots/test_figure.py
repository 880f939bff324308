import pidnet as pn
from pidnet.plots import plot_map
from tests.maps.test_mapping import planted_codes


def test_a_notebook_is_given_a_picture():
    from matplotlib.figure import Figure

    figure = plot_map(pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"])
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")

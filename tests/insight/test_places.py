"""One parameter of a network, as people name it."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import GlassnetWarning, InputError
from glassnet.insight.places import find, place_of

NET = gn.Network(4, [gn.Dense(3), gn.Dropout(0.5), gn.Dense(2, bias=False)], dtype="float64")
NET.theta[:] = np.arange(NET.theta.size)


@pytest.mark.parametrize(
    ("spot", "value"),
    [
        ("0:3,2", NET.weights[0][3, 2]),
        ((2, 1, 0), NET.weights[2][1, 0]),
        (np.array([2, 1, 0]), NET.weights[2][1, 0]),
        ("0:2", NET.biases[0][2]),
        ((0, 2), NET.biases[0][2]),
        (" weights[2][0, 1] ", NET.weights[2][0, 1]),
        ("biases[0][1]", NET.biases[0][1]),
    ],
)
def test_a_parameter_is_found_in_every_spelling(spot, value):
    place = find(NET, spot)
    assert NET.theta[place.index] == value
    assert find(NET, str(place)) == place
    assert place_of(NET, place.index) == place


@pytest.mark.parametrize(
    ("spot", "says"),
    [
        ("0:4,0", "4 inputs: 0 to 3"),
        ("0:3", "3 neurons: 0 to 2"),
        ("0:0,3", "3 neurons: 0 to 2"),
        ("3:0,0", "the last is 2"),
        ("2:0", "has no biases"),
        ("0:-1,2", "names no parameter"),
        ("weights[0][1]", "names no parameter"),
        ("", "names no parameter"),
        ((0, 1.5, 2), "names no parameter"),
        ((0, -1, 2), "names no parameter"),
        ((0, True, 2), "names no parameter"),
        (7, "names no parameter"),
        ("0:1:2", "names no parameter"),
    ],
)
def test_a_parameter_that_is_not_there_is_told(spot, says):
    with pytest.raises(InputError, match=says):
        find(NET, spot)


def test_a_layer_without_weights_means_the_one_that_reads_from_it():
    with pytest.warns(GlassnetWarning, match=r"layer 2, Dense\(2, 'identity', bias=False\), which reads from it"):
        assert str(find(NET, "1:2,0")) == "weights[2][2, 0]"


def test_what_it_must_be():
    with pytest.raises(InputError, match="expected a weight"):
        find(NET, "0:1", "weights")
    with pytest.raises(InputError, match="expected a bias"):
        find(NET, "0:1,1", "biases")

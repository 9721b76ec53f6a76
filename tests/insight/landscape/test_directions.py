"""Planes: their normalisation, the principal directions of a path, and the names of weights."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.landscape.directions import path_plane, random_plane, weights_plane
from glassnet.insight.places import find

rng = np.random.default_rng(0)


def network(*units, inputs=4, seed=0, **layer):
    layers = [gn.Dense(n, "relu", **layer) for n in units[:-1]] + [gn.Dense(units[-1], **layer)]
    return gn.Network(inputs, layers, seed=seed, dtype="float64")


@given(seed=st.integers(0, 50), hidden=st.lists(st.integers(1, 6), min_size=0, max_size=2), inputs=st.integers(2, 5))
def test_each_neuron_moves_as_far_as_its_weights_are_long_and_biases_do_not(seed, hidden, inputs):
    net = network(*hidden, 3, inputs=inputs, seed=seed)
    net.biases[0][:] = 7.0
    plane = random_plane(net, seed)
    for d in plane.directions:
        moved = gn.Network(inputs, net.layers, dtype="float64")
        moved.theta = d
        for k in range(len(net.layers)):
            np.testing.assert_allclose(
                np.linalg.norm(moved.weights[k], axis=0), np.linalg.norm(net.weights[k], axis=0), rtol=1e-12
            )
            assert not moved.biases[k].any()
    first, second = plane.directions
    if all(n > 1 for n in [inputs, *hidden]):
        assert abs(first @ second) < 1e-9 * np.linalg.norm(first) * np.linalg.norm(second)


def test_networks_that_compute_the_same_at_other_scales_have_the_same_plane_of_functions():
    # Li et al., section 4: relu's scale can be moved from one layer to the next
    net = network(5, 2, bias=False)
    scaled = net.copy()
    scaled.weights[0][:] *= 100.0
    scaled.weights[1][:] /= 100.0
    X = rng.normal(size=(10, 4))
    for theta in (0.7, -0.3), (0.2, 1.0):
        one, other = net.copy(), net.copy()
        one.theta = random_plane(net, 3).at(np.array([theta]))[0]
        other.theta = random_plane(scaled, 3).at(np.array([theta]))[0]
        np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9)


def test_links_that_do_not_exist_and_biases_that_are_not_trained_stay():
    net = gn.Network(3, [gn.Dense(2, groups=((2, 1), (1, 1)), trainable_bias=False)], seed=1, dtype="float64")
    moved = net.copy()
    moved.theta = random_plane(net, 0).directions[0]  # refuses numbers for absent links
    assert moved.weights[0][2, 0] == moved.weights[0][0, 1] == 0
    assert np.count_nonzero(moved.theta) == 3


def test_a_network_without_a_plane_of_random_directions_says_so():
    net = network(3)
    net.theta[:] = 0
    with pytest.raises(InputError, match="All weights are 0"):
        random_plane(net, 0)
    chain = network(1, 1, inputs=1)
    refused = 0
    for seed in range(8):
        try:
            directions = random_plane(chain, seed).directions
        except InputError as error:
            refused += "parallel" in str(error)
        else:
            assert np.linalg.matrix_rank(directions) == 2
    assert 0 < refused < 8


def test_the_principal_directions_of_a_path_are_those_of_its_scatter_around_the_end():
    net = network(2)
    thetas = net.theta + rng.normal(size=(7, net.theta.size)) * np.linspace(3, 0.1, net.theta.size)
    plane = path_plane(net, thetas)
    away = thetas - net.theta
    values, vectors = np.linalg.eigh(away.T @ away)
    for d, value, vector, share in zip(plane.directions, values[::-1], vectors.T[::-1], plane.shares, strict=False):
        assert abs(d @ vector) == pytest.approx(1, abs=1e-10)
        assert share == pytest.approx(value / values.sum())
    _, outside, distance = plane.project(thetas)
    assert 1 - (outside @ outside) / (distance @ distance) == pytest.approx(sum(plane.shares))
    assert (away[0] @ plane.directions.T > 0).all()


def test_a_long_path_in_float32_has_the_plane_of_its_singular_vectors_in_little_memory():
    net = gn.Network(500, [gn.Dense(1000)], dtype="float64")
    steps = rng.normal(size=(9, net.theta.size)).cumsum(axis=0)[::-1].astype(np.float32)
    thetas = (net.theta + steps).astype(np.float32)
    tracemalloc.start()
    plane = path_plane(net, thetas)
    coordinates, outside, distance = plane.project(thetas)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * thetas.nbytes  # as float64 alone it would be that
    away = thetas.astype(np.float64) - net.theta
    _, sizes, right = np.linalg.svd(away, full_matrices=False)
    np.testing.assert_allclose(np.abs(plane.directions @ right[:2].T), np.eye(2), atol=1e-10)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(plane.shares, (sizes**2 / (sizes**2).sum())[:2])
    np.testing.assert_allclose(coordinates, away @ plane.directions.T, atol=1e-9 * sizes[0])
    np.testing.assert_allclose(np.hypot(np.linalg.norm(coordinates, axis=1), outside), distance)


def test_a_path_that_goes_too_far_is_told():
    net = network(2)
    with pytest.raises(InputError, match="overflows"):
        path_plane(net, net.theta + 1e200 * np.eye(3, net.theta.size))


def test_no_other_plane_through_the_end_holds_more_of_the_path():
    net = network(3)
    thetas = net.theta + rng.normal(size=(6, net.theta.size)).cumsum(axis=0)
    best = sum(path_plane(net, thetas).shares)
    away = thetas - net.theta
    for _ in range(200):
        q = np.linalg.qr(rng.normal(size=(net.theta.size, 2)))[0]
        assert ((away @ q) ** 2).sum() / (away**2).sum() < best


def test_a_path_along_one_line_makes_no_plane():
    net = network(2)
    line = net.theta + np.outer([3.0, 2.0, 1.0], rng.normal(size=net.theta.size))
    for path in (line, line[:1], np.stack([net.theta, net.theta])):
        with pytest.raises(InputError, match="plane needs two"):
            path_plane(net, path)


def test_projection_is_the_nearest_point():
    net = network(3, 2)
    plane = random_plane(net, 5)
    theta = rng.normal(size=(4, net.theta.size))
    coordinates, outside, distance = plane.project(theta)
    for i in range(4):
        solution, square, *_ = np.linalg.lstsq(plane.directions.T, theta[i] - net.theta, rcond=None)
        np.testing.assert_allclose(coordinates[i], solution, rtol=1e-9)
        assert outside[i] ** 2 == pytest.approx(square[0])
        assert distance[i] == pytest.approx(np.linalg.norm(theta[i] - net.theta))


def test_two_weights_span_a_plane():
    net = gn.Network(4, [gn.Dense(3), gn.Dropout(0.5), gn.Dense(2)], dtype="float64")
    plane = weights_plane(net, ("0:3,2", "2:1"))
    assert plane.names == ("weights[0][3, 2]", "biases[2][1]")
    np.testing.assert_array_equal(np.flatnonzero(plane.directions[0]), [find(net, "0:3,2").index])

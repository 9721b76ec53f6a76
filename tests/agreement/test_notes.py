"""What both engines note of rows while they step, against passes taken row by row with the θ of that step."""

import numpy as np
import pytest
from two_engines import LABELS, NUMBERS, X, network

import glassnet as gn

ONE_HOT = np.eye(3)[LABELS]
YES = (LABELS == 1).astype(float)
CASES = {
    "labels": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {}),
    "one-hot": ((6, "relu"), (3, "softmax"), ONE_HOT, "squared_error", {}),
    "smoothed": ((6, "relu"), (3, "softmax"), LABELS, "cross_entropy(0.1)", {}),
    "scores": ((6, "relu"), (3, "identity"), LABELS, "hinge", {}),
    "yes or no": ((6, "tanh"), (1, "sigmoid"), YES, "binary_cross_entropy", {}),
    "yes or no from logits": ((6, "tanh"), (1, "identity"), YES, "binary_cross_entropy_from_logits", {}),
    "one number": ((6, "gelu"), (1, "identity"), NUMBERS[:, :1], "huber", {}),
    "numbers": ((6, "gelu"), (3, "identity"), NUMBERS, "squared_error", {}),
    "weights": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {"sample_weight": np.arange(40) % 3 / 2}),
    "sum": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {"reduction": "sum", "l1": 0.01, "l2": 0.1}),
    "clipped": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {"clip_norm": 0.01, "clip_value": 0.1}),
    "one row": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {"batch_size": 1}),
    "all rows": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {"batch_size": None}),
    "L-BFGS": ((6, "tanh"), (3, "softmax"), LABELS, "cross_entropy", {"batch_size": None, "optimizer": "lbfgs"}),
    "L-BFGS, no reuse": (
        (6, "tanh"),
        (3, "softmax"),
        LABELS,
        "cross_entropy",
        {"batch_size": None, "optimizer": "lbfgs(reuse=False)"},
    ),
}


def rows_one_by_one(net, thetas, orders, truth, loss, options, masks_of):
    """Return (epochs, m, 3): error, gradient norm and margin of each row, by passes of that row alone."""
    found = np.full((len(orders), len(X), 3), np.nan)
    size = options.get("batch_size", 7) or len(X)
    for epoch, order in enumerate(orders):
        for place, row in enumerate(order):
            step = epoch * -(-len(X) // size) + place // size
            copy = net.copy()
            copy.theta = thetas[step]
            masks = {k: mask[place % size : place % size + 1] for k, mask in masks_of(step, order, place, size).items()}
            p = copy.backprop(X[row : row + 1], truth[row : row + 1], loss, masks=masks)
            a, margin = p.a[-1][0], np.nan
            if truth.ndim == 1 or (truth.shape[1] == 3 and (truth.sum(axis=1) == 1).all()):
                label = int(truth[row]) if truth.ndim == 1 and len(a) > 1 else int(np.argmax(truth[row]))
                if len(a) > 1:
                    margin = a[label] - max(a[j] for j in range(3) if j != label)
            if len(a) == 1 and loss.startswith("binary"):
                margin = (2 * a[0] - (0 if "logits" in loss else 1)) * (1 if truth[row] > 0.5 else -1)
            found[epoch, row] = p.row_errors[0], np.linalg.norm(p.gradient.theta), margin
    return found


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_notes_are_of_the_row_alone_at_the_theta_of_its_step(name, drops, engine):
    hidden, last, truth, loss, more = CASES[name]
    options = {"optimizer": "adam(0.05)", "epochs": 3, "batch_size": 7, "seed": 3} | more
    net = network(hidden, *[gn.Dropout(0.4)] * drops, last)
    start, thetas = net.copy(), [net.theta.copy()]

    def watch(event: gn.StepEnded) -> None:
        thetas.append(event.network.theta.copy())

    ledger = gn.train(net, X, truth, loss, engine=engine, callbacks=[watch], **options).ledger
    size = options["batch_size"] or len(X)
    from glassnet.training.stretch import Orders

    orders = [Orders(len(X), size, 3, True).of_steps(e, 0, -(-len(X) // size))[0].copy() for e in range(3)]

    def masks_of(step, order, place, size):
        rows = min(size, len(order) - place // size * size)
        return start.draw_masks(3, step, rows)

    found = rows_one_by_one(start, thetas, orders, truth, loss, options, masks_of)
    counted = np.asarray(options.get("sample_weight", np.ones(len(X)))) > 0
    np.testing.assert_array_equal(ledger.counted, counted)
    found[:, ~counted] = np.nan
    tolerance = {"rtol": 2**-8, "atol": 1e-30}  # of the kept numbers: 8 bits
    np.testing.assert_allclose(ledger.loss, found[..., 0], **tolerance)
    np.testing.assert_allclose(ledger.norm, found[..., 1], **tolerance)
    np.testing.assert_allclose(ledger.margin, found[..., 2], **tolerance)
    np.testing.assert_allclose(ledger.mean_loss, found[..., 0].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(ledger.mean_norm, found[..., 1].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(ledger.mean_margin, found[..., 2].mean(axis=0), rtol=1e-9, atol=1e-12)
    if ledger.labels is not None:
        np.testing.assert_array_equal(ledger.right[:, counted], (found[..., 2] > 0)[:, counted])
        np.testing.assert_array_equal(ledger.times_right, np.where(counted, (found[..., 2] > 0).sum(axis=0), 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("drops", [0.0, 0.3])
def test_the_bits_do_not_depend_on_threads_or_on_the_ledger(dtype, drops):
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(3000, 30)), rng.integers(0, 10, 3000)
    found, thetas = [], []
    for threads, ledger in ((1, True), (2, True), (3, True), (2, False)):
        net = network((200, "relu"), gn.Dropout(drops), (150, "tanh"), (10, "softmax"), inputs=30, dtype=dtype)
        history = gn.train(
            net, inputs, labels, "cross_entropy", epochs=2, batch_size=500, threads=threads, ledger=ledger
        )
        thetas.append(net.theta.copy())
        if ledger:
            found.append(history.ledger.to_arrays())
    for theta in thetas[1:]:
        np.testing.assert_array_equal(theta, thetas[0])
    for arrays in found[1:]:
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, found[0][name], err_msg=name)


def test_small_networks_note_the_same_as_ever():
    """Past step 5000 a network this small is trained by steps of its own."""
    truth = np.array([[0.0], [1.0], [1.0], [0.0], [1.0]])
    inputs = np.random.default_rng(0).normal(size=(5, 2))
    for last, loss, target, weight in (
        (gn.Dense(1, "sigmoid"), "binary_cross_entropy", truth, None),
        (gn.Dense(1, "sigmoid", bias=False), "squared_error", truth, [1.0, 0.0, 2.0, 1.0, 0.5]),
        (gn.Dense(2, "sigmoid"), "mean_squared_error", np.eye(2)[truth.astype(int).ravel()], None),
        (gn.Dense(2, "identity"), "huber", np.column_stack([truth, -truth]), None),
    ):
        ledgers = []
        for engine in ("reference", "compiled"):
            net = gn.Network(2, [gn.Dense(3, "tanh"), last], seed=1, dtype="float64")
            settings = {"optimizer": "sgd(0.05)", "epochs": 3000, "batch_size": 2, "sample_weight": weight}
            ledgers.append(gn.train(net, inputs, target, loss, engine=engine, **settings).ledger)
        for name in ("mean_loss", "mean_norm", "mean_margin", "mean_prediction", "times_right", "learned"):
            expected, found = (getattr(ledger, name) for ledger in ledgers)
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9, err_msg=f"{name} {loss}")


def test_groups_leave_out_links_that_do_not_exist():
    layers = [gn.Dense(6, "tanh", groups=((3, 4), (2, 2))), gn.Dense(3, "softmax")]
    net = gn.Network(5, layers, seed=0, dtype="float64")
    rows = [net.backprop(X[i : i + 1], LABELS[i : i + 1], "cross_entropy").gradient.theta for i in range(len(X))]
    ledger = gn.train(net, X, LABELS, "cross_entropy", epochs=1, batch_size=None).ledger
    np.testing.assert_allclose(ledger.mean_norm, np.linalg.norm(rows, axis=1), rtol=1e-12)

"""A hundred steps of whole networks against PyTorch's own modules, losses and optimizers, in float64."""

import numpy as np
import pytest
from two_engines import errors_of_arrays, network

import glassnet as gn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no peer to compare a hundred steps with")
nn, F = torch.nn, torch.nn.functional

ROWS, BATCH, EPOCHS = 160, 16, 10
RNG = np.random.default_rng(11)
X = RNG.normal(size=(ROWS, 6))
LABELS = RNG.integers(0, 4, ROWS)
NUMBERS = RNG.normal(size=(ROWS, 4))
COUNTS = RNG.poisson(1.5, size=(ROWS, 4)).astype(float)
YES = (RNG.random((ROWS, 4)) < 0.5).astype(float)

THEIRS = {
    "identity": nn.Identity(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(),
    "leaky_relu(0.2)": nn.LeakyReLU(0.2),
    "elu(0.5)": nn.ELU(0.5),
    "selu": nn.SELU(),
    "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU(approximate="tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
}
"""Of the last layer of each network PyTorch's losses want the numbers before soft-max, sigmoid and exp."""

SUM_OVER_OUTPUTS = 4.0  # theirs are means over outputs where ours are sums

LOSSES = {
    "cross_entropy": ("softmax", LABELS, nn.CrossEntropyLoss()),
    "cross_entropy(0.1)": ("softmax", LABELS, nn.CrossEntropyLoss(label_smoothing=0.1)),
    "cross_entropy_from_logits": ("identity", LABELS, nn.CrossEntropyLoss()),
    "mean_squared_error": ("identity", NUMBERS, nn.MSELoss()),
    "huber(0.7)": ("identity", NUMBERS, lambda a, y: SUM_OVER_OUTPUTS * nn.HuberLoss(delta=0.7)(a, y)),
    "absolute_error": ("identity", NUMBERS, lambda a, y: SUM_OVER_OUTPUTS * nn.L1Loss()(a, y)),
    "binary_cross_entropy": ("sigmoid", YES, lambda a, y: SUM_OVER_OUTPUTS * nn.BCEWithLogitsLoss()(a, y)),
    "poisson": ("exp", COUNTS, lambda a, y: SUM_OVER_OUTPUTS * nn.PoissonNLLLoss()(a, y)),
}
NETWORKS = [
    # hidden layers, loss, our optimizer, theirs, what else
    (["relu", "relu"], "cross_entropy", gn.SGD(0.1, momentum=0.9), ("SGD", {"lr": 0.1, "momentum": 0.9}), {}),
    (["silu", "silu"], "mean_squared_error", gn.AdamW(0.01), ("AdamW", {"lr": 0.01}), {}),
    (["selu", "selu", "selu"], "cross_entropy(0.1)", gn.AdamW(0.003), ("AdamW", {"lr": 0.003}), {"dropout": 0.15}),
    (["gelu", "gelu_tanh"], "huber(0.7)", gn.NAdam(0.005), ("NAdam", {"lr": 0.005}), {}),
    (["mish", "softplus"], "binary_cross_entropy", gn.RMSprop(0.003), ("RMSprop", {"lr": 0.003}), {}),
    (["tanh", "softsign"], "poisson", gn.Adam(0.01, amsgrad=True), ("Adam", {"lr": 0.01, "amsgrad": True}), {}),
    (["elu(0.5)", "leaky_relu(0.2)"], "cross_entropy_from_logits", gn.Adagrad(0.05), ("Adagrad", {"lr": 0.05}), {}),
    (["sigmoid"], "absolute_error", gn.RAdam(0.01), ("RAdam", {"lr": 0.01}), {"clip_norm": 0.5}),
    (["tanh"], "mean_squared_error", gn.SGD(0.1, momentum=0.9, nesterov=True),
     ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}), {"l2": 0.01}),
    (["tanh", "relu"], "cross_entropy", gn.Adamax(0.01), ("Adamax", {"lr": 0.01}), {"dropout": 0.5, "clip_norm": 0.3}),
    (["tanh"], "cross_entropy", gn.Adadelta(), ("Adadelta", {}), {"clip_value": 0.02}),
]  # fmt: skip


@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: f"{'-'.join(case[0])} {case[1]} {case[2].spec}")
def test_a_hundred_steps(case):
    hidden, loss, ours, (name, arguments), more = case
    last, truth, their_loss = LOSSES[loss]
    dropout = more.get("dropout", 0.0)
    widths = [33, 16, 7][: len(hidden)]
    layers = [part for pair in zip(widths, hidden, strict=True) for part in (pair, gn.Dropout(dropout))]
    net = network(*layers, (4, last), inputs=6)
    start = net.copy()

    linear = [nn.Linear(n, m).double() for n, m in zip([6, *widths], [*widths, 4], strict=True)]
    parameters = [tensor for layer in linear for tensor in (layer.weight, layer.bias)]
    with torch.no_grad():
        for layer, k in zip(linear, range(0, len(net.layers), 2), strict=True):
            layer.weight.copy_(torch.tensor(net.weights[k].T.copy()))
            layer.bias.copy_(torch.tensor(net.biases[k].copy()))
    optimizer = getattr(torch.optim, name)(parameters, **arguments)
    y = torch.tensor(truth)
    for step in range(EPOCHS * ROWS // BATCH):
        rows = np.arange(step * BATCH, (step + 1) * BATCH) % ROWS
        masks = start.draw_masks(3, step, BATCH)
        a = torch.tensor(X[rows])
        for k, (layer, g) in enumerate(zip(linear[:-1], hidden, strict=True)):
            a = THEIRS[g](layer(a))
            if dropout:
                a = a * torch.tensor(masks[2 * k + 1] / (1 - dropout))
        error = their_loss(linear[-1](a), y[rows])
        error = error + 0.5 * more.get("l2", 0.0) * sum((layer.weight**2).sum() for layer in linear)
        optimizer.zero_grad()
        error.backward()
        if "clip_value" in more:
            nn.utils.clip_grad_value_(parameters, more["clip_value"])
        if "clip_norm" in more:
            nn.utils.clip_grad_norm_(parameters, more["clip_norm"])
        optimizer.step()

    options = {key: value for key, value in more.items() if key != "dropout"}
    gn.train(
        net,
        X,
        truth,
        loss,
        optimizer=ours,
        epochs=EPOCHS,
        batch_size=BATCH,
        shuffle=False,
        seed=3,
        threads=2,
        **options,
    )
    expected = np.concatenate(
        [part for layer in linear for part in (layer.weight.detach().numpy().T.ravel(), layer.bias.detach().numpy())]
    )
    # clip_grad_norm_ divides by the length plus 1e-6
    tolerance = 1e-5 if "clip_norm" in more else 1e-9
    for array, difference, movement in errors_of_arrays(start, net.theta, expected):
        assert difference <= tolerance * movement, array

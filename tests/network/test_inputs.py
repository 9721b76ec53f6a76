"""What people pass in: arrays of every kind taken as they are, and what cannot be used refused in a sentence."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

import glassnet as gn
from glassnet.errors import GlassnetError, GlassnetWarning, InputError
from glassnet.maths.losses import LOSSES
from glassnet.network.inputs import (
    are_classes,
    as_numbers,
    as_rows,
    as_sample_weight,
    as_targets,
    one_hot,
    require_classes_to_learn,
)

F32, F64 = np.dtype("float32"), np.dtype("float64")
ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
COLUMNS = {"p": [1.0, 4.0], "q": [2.0, 5.0], "r": [3.0, 6.0]}


def network(outputs=2, dtype="float64", loss_activation="softmax"):
    return gn.Network(3, [gn.Dense(outputs, loss_activation)], seed=1, dtype=dtype)


# Arrays as they are


def strided():
    big = np.zeros((4, 6))
    big[::2, ::2] = ROWS
    return big[::2, ::2]


ARRAYS = {
    "list": ROWS,
    "tuple": tuple(map(tuple, ROWS)),
    "list of arrays": [np.array(row) for row in ROWS],
    "float64": np.array(ROWS),
    "float32": np.array(ROWS, np.float32),
    "float16": np.array(ROWS, np.float16),
    "longdouble": np.array(ROWS, np.longdouble),
    "int8": np.array(ROWS, np.int8),
    "uint64": np.array(ROWS, np.uint64),
    "big-endian": np.array(ROWS, ">f4"),
    "Fortran order": np.asfortranarray(ROWS),
    "strided": strided(),
    "reversed": np.array(ROWS)[::-1, ::-1][::-1, ::-1],
    "read-only": np.broadcast_to(np.array(ROWS), (2, 3)),
    "objects": np.array(ROWS, dtype=object),
    "integers as objects": np.array([[1, 2, 3], [4, 5, 6]], dtype=object),
    "decimals": [[decimal.Decimal(x) for x in row] for row in ROWS],
    "fractions": [[fractions.Fraction(x) for x in row] for row in ROWS],
    "np.matrix": np.asmatrix(ROWS),
    "masked array without masks": np.ma.array(ROWS),
    "memoryview": memoryview(np.array(ROWS)),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas integers": pd.DataFrame(COLUMNS).astype(int),
    "pandas mixed": pd.DataFrame(COLUMNS).astype({"p": "int64", "q": "float32"}),
    "pandas nullable": pd.DataFrame(COLUMNS).astype("Float64"),
    "pandas nullable integers": pd.DataFrame(COLUMNS).astype("Int64"),
    "pandas arrow": pd.DataFrame(COLUMNS).astype("double[pyarrow]"),
    "pandas with an index": pd.DataFrame(COLUMNS, index=["b", "a"]),
    "polars": pl.DataFrame(COLUMNS),
    "polars mixed": pl.DataFrame(COLUMNS).cast({"p": pl.Int32, "q": pl.Float32}),
    "polars array column": pl.Series(ROWS, dtype=pl.Array(pl.Float64, 3)),
    "arrow table": pa.table(COLUMNS),
    "arrow mixed table": pa.table({**COLUMNS, "p": pa.array([1, 4], pa.int16())}),
    "arrow chunked table": pa.concat_tables([pa.table(COLUMNS).slice(0, 1), pa.table(COLUMNS).slice(1)]),
    "arrow record batch": pa.RecordBatch.from_pydict(COLUMNS),
}


@pytest.mark.parametrize("kind", list(ARRAYS))
@pytest.mark.parametrize("dtype", [F32, F64])
def test_rows_of_every_kind(kind, dtype):
    x = as_rows(ARRAYS[kind], (3,), dtype)
    assert type(x) is np.ndarray
    assert x.dtype == dtype
    assert x.flags.c_contiguous
    assert x.tolist() == ROWS


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow table", "list", "float32"])
def test_the_network_reads_every_kind(kind):
    net = network()
    np.testing.assert_array_equal(net.predict(ARRAYS[kind]), net.predict(np.array(ROWS)))
    p = net.backprop(ARRAYS[kind], pd.Series([0, 1]), "cross_entropy", sample_weight=pl.Series([1.0, 2.0]))
    assert p.coefficient.tolist() == [1 / 3, 2 / 3]


LABELS = {
    "list": [1, 0],
    "int64": np.array([1, 0]),
    "uint8": np.array([1, 0], np.uint8),
    "bool": np.array([True, False]),
    "column": np.array([[1], [0]]),
    "pandas": pd.Series([1, 0], index=[7, 3]),
    "pandas column": pd.DataFrame({"y": [1, 0]}),
    "pandas nullable": pd.Series([1, 0], dtype="Int64"),
    "pandas arrow": pd.Series([1, 0], dtype="int64[pyarrow]"),
    "pandas nullable bool": pd.Series([True, False], dtype="boolean"),
    "pandas categories of integers": pd.Series([1, 0], dtype="category"),
    "integers as objects": np.array([1, 0], dtype=object),
    "polars": pl.Series([1, 0]),
    "polars small": pl.Series([1, 0], dtype=pl.UInt8),
    "polars column": pl.DataFrame({"y": [1, 0]}),
    "arrow": pa.array([1, 0]),
    "arrow chunks": pa.chunked_array([[1], [0]]),
    "arrow bool": pa.array([True, False]),
    "arrow table": pa.table({"y": [1, 0]}),
}


@pytest.mark.parametrize("kind", list(LABELS))
def test_labels_of_every_kind(kind):
    y = as_targets(LABELS[kind], LOSSES["cross_entropy"], 2, 3, F32)
    assert y.dtype == np.int64
    assert y.tolist() == [1, 0]


NUMBERS = {
    "list": [0.5, 2.0],
    "column": [[0.5], [2.0]],
    "pandas": pd.Series([0.5, 2.0]),
    "pandas nullable": pd.Series([0.5, 2.0], dtype="Float64"),
    "polars": pl.Series([0.5, 2.0]),
    "arrow": pa.array([0.5, 2.0]),
    "arrow chunks": pa.chunked_array([[0.5], [2.0]]),
    "arrow decimals": pa.array([decimal.Decimal("0.5"), decimal.Decimal("2.0")]),
}


@pytest.mark.parametrize("kind", list(NUMBERS))
def test_one_real_target_a_row(kind):
    y = as_targets(NUMBERS[kind], LOSSES["squared_error"], 2, 1, F32)
    assert y.dtype == np.float32
    assert y.tolist() == [[0.5], [2.0]]
    assert as_sample_weight(np.ravel(NUMBERS[kind]), 2, F32).tolist() == [0.5, 2.0]


@pytest.mark.parametrize("kind", [k for k in NUMBERS if k != "column"])
def test_weights_of_every_kind(kind):
    assert as_sample_weight(NUMBERS[kind], 2, F64).tolist() == [0.5, 2.0]


@pytest.mark.parametrize(("dtype", "same"), [(F64, True), (F32, False)])
def test_a_fitting_array_is_not_copied(dtype, same):
    x = np.array(ROWS)
    assert np.shares_memory(as_rows(x, (3,), dtype), x) == same


def test_labels_and_one_hot_and_probabilities_mean_the_same():
    net = network(3)
    labels = net.backprop(ROWS, [2, 0], "cross_entropy")
    for Y in ([[0, 0, 1], [1, 0, 0]], np.array([[False, False, True], [True, False, False]]), [[2], [0]]):
        p = net.backprop(ROWS, Y, "cross_entropy")
        assert p.loss == labels.loss
        np.testing.assert_array_equal(p.gradient.theta, labels.gradient.theta)


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "hinge", "binary_cross_entropy"])
def test_labels_become_one_hot_for_every_loss(loss):
    net = network(3, loss_activation="sigmoid")
    by_label, by_row = (net.backprop(ROWS, Y, loss) for Y in ([2, 0], [[0, 0, 1], [1, 0, 0]]))
    np.testing.assert_array_equal(by_label.gradient.theta, by_row.gradient.theta)


def test_one_output_takes_0_and_1_as_numbers():
    net = network(1, loss_activation="sigmoid")
    flat, column, yes_no = (
        net.backprop(ROWS, Y, "binary_cross_entropy") for Y in ([1, 0], [[1.0], [0.0]], [True, False])
    )
    assert flat.loss == column.loss == yes_no.loss


def test_label_smoothing_is_worked_in():
    y = one_hot(np.array([2, 0]), LOSSES.resolve("cross_entropy(0.3)"), 3, F64)
    np.testing.assert_allclose(y, [[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]], rtol=1e-15)
    y = one_hot(np.array([[1.0], [0.0]]), LOSSES.resolve("binary_cross_entropy(0.3)"), 1, F64)
    np.testing.assert_allclose(y, [[0.85], [0.15]], rtol=1e-15)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (np.array([0, 1]), True),
        (np.eye(3), True),
        (np.array([[1.0, 0.0], [1.0, 1.0]]), False),
        (np.array([[0.5, 0.5]]), False),
        (np.array([[0.0], [1.0]]), False),
        (np.array([[2.0, -1.0]]), False),
        (np.zeros((2, 2)), False),
    ],
)
def test_which_targets_are_classes(targets, expected):
    found = are_classes(targets)
    assert type(found) is bool
    assert found == expected


# What is refused

NAN, INF = float("nan"), float("inf")
BAD_ROWS = [
    ([1.0, 2.0, 3.0], r"^X has shape \(3,\); expected rows. For a single row pass X\[None, :\]\.$"),
    ([1.0, 2.0], r"^X has shape \(2,\); the network reads rows of shape \(3,\), so expected \(m, 3\)\.$"),
    ([[1, 2]], r"X has shape \(1, 2\); the network reads rows of shape \(3,\), so expected \(m, 3\)"),
    ([[[1, 2, 3]]], r"X has shape \(1, 1, 3\)"),
    (np.zeros((3, 0)), r"X has shape \(3, 0\)"),
    (7, r"X has shape \(\)"),
    (None, r"^X .*\bNone\b"),
    ([], r"X has shape \(0,\)"),
    (np.zeros((0, 3)), r"^X has no rows; expected at least one\.$"),
    (pd.DataFrame({"p": [], "q": [], "r": []}, dtype=float), r"X has no rows"),
    ([[1, NAN, 3]], r"^X holds nan at \[0, 1\] \(1 such value in all\); expected finite numbers. Remove or fill it"),
    ([[1, 2, 3], [NAN, 2, INF]], r"X holds nan at \[1, 0\] \(2 such values in all\); .* Remove or fill them first\.$"),
    ([[1, 2, INF]], r"X holds inf at \[0, 2\]"),
    ([[1, -INF, INF]], r"X holds -inf at \[0, 1\] \(2 such values"),
    ([[None, 1.0, 2.0]], r"X"),
    ([[1, 2, 3], [1, 2]], r"X cannot be read as one array .*; expected rows of equal length"),
    (np.array([[1, 2, 3], [1, 2]], dtype=object), r"X is an object array that holds \[1, 2, 3\] of type list at \[0\]"),
    ([["a", "b", "c"]], r"^X holds <U1 values; expected numbers\. Turn labels into integers"),
    ([["1", "2", "3"]], r"X holds <U1 values; expected numbers"),
    (np.array([["1", "2", "3"]], dtype=object), r"X is an object array that holds '1' of type str at \[0, 0\]"),
    (np.array([[1.0, "2", 3]], dtype=object), r"holds '2' of type str at \[0, 1\]"),
    (pd.DataFrame({"p": [1.0], "q": ["x"], "r": [2.0]}), r"holds 'x' of type str at \[0, 1\]"),
    (pd.DataFrame({"p": [1.0], "q": ["7"], "r": [2.0]}), r"holds '7' of type str at \[0, 1\]"),
    (pl.DataFrame({"p": [1.0], "q": ["x"], "r": [2.0]}), r"X .*'x'"),
    (pa.table({"p": [1.0], "q": ["x"], "r": [2.0]}), r"X .*'?x'?|X holds"),
    (np.array([[b"a", b"b", b"c"]]), r"X holds \|S1 values; expected numbers\. Turn labels"),
    ([[1j, 2, 3]], r"X holds complex128 values; expected numbers\. Pass real and imaginary parts as columns"),
    (np.array([["2024-01-01"] * 3], "datetime64[D]"), r"X holds datetime64\[D\] values; .* Turn dates into numbers"),
    (np.array([[1, 2, 3]], "timedelta64[s]"), r"X holds timedelta64\[s\] values; .* Turn durations into numbers"),
    ([[datetime.date(2024, 1, 1)] * 3], r"X is an object array that holds datetime.date\(2024, 1, 1\) of type date"),
    (
        pd.DataFrame({c: pd.to_datetime(["2024-01-01"]) for c in "pqr"}),
        r"X holds datetime64\[.*\] values; expected numbers",
    ),
    (np.zeros((1, 3), [("a", float)]), r"X holds .* values; expected numbers"),
    ({"p": [1.0]}, r"X is an object array that holds \{'p': \[1.0\]\} of type dict at \[\]"),
    ({1.0, 2.0}, r"X is an object array that holds .* of type set"),
    (scipy.sparse.csr_matrix(ROWS), r"X is a sparse csr_matrix; expected a dense array"),
    ("X.csv", r"X holds <U5 values"),
    (pd.DataFrame({"p": [1.0], "q": [pd.NA], "r": [2.0]}), r"X .*(<NA>|nan)"),
    (pd.DataFrame({"p": [1, None], "q": [1, 2], "r": [1, 2]}, dtype="Int64"), r"X .*(<NA>|nan)"),
    (
        pl.DataFrame({"p": [1.0], "q": [None], "r": [2.0]}, schema_overrides={"q": pl.Float64}),
        r"X holds nan at \[0, 1\]",
    ),
    (pa.table({"p": [1.0], "q": pa.array([None], pa.float64()), "r": [2.0]}), r"X holds nan at \[0, 1\]"),
    (np.ma.array([[1.0, 2.0, 3.0]], mask=[[False, True, False]]), r"X .*mask"),
]


@pytest.mark.parametrize(("X", "sentence"), BAD_ROWS, ids=[sentence[:60] for _, sentence in BAD_ROWS])
@pytest.mark.parametrize("ask", ["predict", "backprop", "check", "train"])
def test_rows_that_are_refused(ask, X, sentence):
    net = network()
    before = net.theta.copy()
    calls = {
        "predict": lambda: net.predict(X),
        "backprop": lambda: net.backprop(X, [0], "cross_entropy"),
        "check": lambda: gn.check_gradient(net, X, [0], "cross_entropy"),
        "train": lambda: gn.train(net, X, [0], "cross_entropy"),
    }
    with pytest.raises(InputError, match=sentence) as caught:
        calls[ask]()
    assert isinstance(caught.value, GlassnetError)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 500
    np.testing.assert_array_equal(net.theta, before)


@pytest.mark.parametrize("value", [1e39, -1e39, 3.5e38])
def test_numbers_beyond_float32_are_refused_where_float32_computes(value):
    sentence = r"beyond float32's 3.4e38; scale them down or use dtype='float64'"
    with pytest.raises(InputError, match=r"X holds numbers " + sentence):
        network(dtype="float32").predict([[value, 0, 0]])
    with pytest.raises(InputError, match=r"Y holds numbers " + sentence):
        network(1, "float32", "identity").backprop([[1, 2, 3]], [value], "squared_error")
    with pytest.raises(InputError, match=r"sample_weight holds numbers " + sentence):
        network(dtype="float32").backprop([[1, 2, 3]], [0], "cross_entropy", sample_weight=[abs(value)])
    assert np.isfinite(network(dtype="float64").predict([[value, 0, 0]])).all()


@pytest.mark.parametrize(
    "array",
    [np.full((9, 3), 1e308), np.full((9, 3), 6e4, np.float16), np.full((4000, 3), 3e38, np.float32)],
    ids=lambda array: array.dtype.name,
)
def test_large_numbers_are_finite_numbers(array):
    """Their sum is not; that is nobody's business, and no reason for a warning."""
    assert as_numbers(array, "X") is array


BAD_TARGETS = [
    # outputs, loss, Y, sentence
    (2, "cross_entropy", [0, 1, 1], r"^Y has shape \(3,\); X has 2 rows, so expected \(2,\) or \(2, 2\)\.$"),
    (2, "cross_entropy", 1, r"Y has shape \(\)"),
    (2, "cross_entropy", None, r"^Y .*\bNone\b"),
    (2, "cross_entropy", [], r"Y has shape \(0,\); X has 2 rows"),
    (2, "cross_entropy", [[0, 1]], r"Y has shape \(1, 2\); X has 2 rows"),
    (
        2,
        "cross_entropy",
        [[0, 1, 0]] * 2,
        r"Y has shape \(2, 3\); the network has 2 outputs, so expected \(2, 2\) or int",
    ),
    (2, "cross_entropy", [0, 2], r"Y holds the label 2; the network has 2 outputs, so expected labels 0 to 1\. Give"),
    (2, "cross_entropy", [-1, 1], r"Y holds the label -1; .* number the classes from 0\.$"),
    (
        2,
        "cross_entropy",
        [0.0, 1.0],
        r"holds float64 numbers, .* expected integer labels 0 to 1 .*astype\(int\)\) or targets",
    ),
    (2, "cross_entropy", [0.5, 1.5], r"Y has shape \(2,\) and holds float64 numbers"),
    (2, "cross_entropy", [0, NAN], r"Y holds nan at \[1\]"),
    (2, "cross_entropy", ["cat", "dog"], r"Y holds <U3 values; expected numbers. Turn labels into integers, .*unique"),
    (2, "cross_entropy", pd.Series(["cat", "dog"]), r"Y .*expected numbers.*Turn labels into integers"),
    (2, "cross_entropy", pl.Series(["cat", "dog"]), r"Y .*expected numbers.*Turn labels into integers"),
    (2, "cross_entropy", pa.array(["cat", "dog"]), r"Y .*expected numbers.*Turn labels into integers"),
    (2, "cross_entropy", [[0.5, 0.6], [0, 1]], r"Y holds \[0.5 0.6\] in row 0; .* integer labels or rows of prob"),
    (2, "cross_entropy", [[0, 1], [1.5, -0.5]], r"in row 1; loss 'cross_entropy' reads integer labels or rows of"),
    (2, "hinge", [[0, 1], [0.5, 0.5]], r"in row 1; loss 'hinge' reads integer labels or rows with a single 1"),
    (2, "hinge", [[0, 1], [1, 1]], r"Y holds \[1. 1.\] in row 1"),
    (2, "binary_cross_entropy", [[0, 1], [0, 2]], r"in row 1; .* reads integer labels or numbers between 0 and 1"),
    (
        1,
        "binary_cross_entropy",
        [0, 2],
        r"^Y holds \[2.\] in row 1; loss 'binary_cross_entropy' reads numbers between 0",
    ),
    (1, "binary_cross_entropy", [-0.1, 0], r"Y holds \[-0.1\] in row 0"),
    (1, "poisson", [3, -1], r"Y holds \[-1.\] in row 1; loss 'poisson' reads numbers from 0 up\.$"),
    (
        1,
        "squared_error",
        [[1, 2], [3, 4]],
        r"Y has shape \(2, 2\); the network has 1 output, so expected \(2, 1\) or \(2,\)",
    ),
    (1, "squared_error", [INF, 1], r"Y holds inf at \[0\]"),
    (1, "squared_error", [1j, 1], r"Y holds complex128 values"),
    (3, "squared_error", [1.5, 2.5], r"has 3 outputs; expected integer labels 0 to 2"),
]


@pytest.mark.parametrize(
    ("outputs", "loss", "Y", "sentence"), BAD_TARGETS, ids=[f"{case[1]}: {case[3][:50]}" for case in BAD_TARGETS]
)
@pytest.mark.parametrize("ask", ["backprop", "check", "train", "evaluate", "validation"])
def test_targets_that_are_refused(ask, outputs, loss, Y, sentence):
    net = network(outputs, loss_activation=LOSSES[loss].last_activation)
    good = {1: [1, 0], 2: [1, 0], 3: [1, 0]}[outputs]
    calls = {
        "backprop": lambda: net.backprop(ROWS, Y, loss),
        "check": lambda: gn.check_gradient(net, ROWS, Y, loss),
        "train": lambda: gn.train(net, ROWS, Y, loss),
        "evaluate": lambda: gn.evaluate(net, ROWS, Y, loss),
        "validation": lambda: gn.train(net, ROWS, good, loss, validation=(ROWS, Y)),
    }
    if ask == "validation":
        sentence = sentence.replace("^Y", "^validation Y")
    with pytest.raises(InputError, match=sentence) as caught:
        calls[ask]()
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([1, 2, 3], r"^sample_weight has shape \(3,\); X has 2 rows, so expected \(2,\)\.$"),
        ([[1], [2]], r"sample_weight has shape \(2, 1\)"),
        (1.0, r"sample_weight has shape \(\)"),
        ([1, -2], r"^sample_weight holds -2 in row 1; expected weights from 0 up\.$"),
        ([0, 0], r"^sample_weight is 0 for every row; expected at least one row that counts\.$"),
        ([NAN, 1], r"sample_weight holds nan at \[0\]"),
        ([INF, 1], r"sample_weight holds inf"),
        (["a", "b"], r"sample_weight holds <U1 values; expected numbers"),
        ("balanced", r"sample_weight holds <U8 values; expected numbers"),
        ([None, 1], r"sample_weight"),
    ],
)
@pytest.mark.parametrize("ask", ["backprop", "train"])
def test_weights_that_are_refused(ask, weights, sentence):
    net = network()
    call = net.backprop if ask == "backprop" else lambda *a, **k: gn.train(net, *a, **k)
    with pytest.raises(InputError, match=sentence):
        call(ROWS, [0, 1], "cross_entropy", sample_weight=weights)


def test_weights_need_not_fit_into_float32_to_be_equal():
    assert as_sample_weight(None, 3, F32).tolist() == [1, 1, 1]
    assert as_sample_weight([0, 1e-3, 5], 3, F32).dtype == np.float32


# Classes


def test_a_single_class_is_refused():
    with pytest.raises(
        InputError, match=r"^Y holds the single class 1 in all 3 rows; expected at least two classes\. Add"
    ):
        require_classes_to_learn(np.array([1, 1, 1]), LOSSES["cross_entropy"], 2)
    require_classes_to_learn(np.array([1]), LOSSES["cross_entropy"], 2)
    require_classes_to_learn(np.array([0, 1]), LOSSES["cross_entropy"], 2)
    require_classes_to_learn(np.ones((3, 2)), LOSSES["binary_cross_entropy"], 2)
    require_classes_to_learn(np.ones((3, 1)), LOSSES["squared_error"], 1)


@pytest.mark.parametrize("Y", [[1, 1], [[0, 1], [0, 1]]], ids=["labels", "one-hot"])
def test_training_on_a_single_class_is_refused(Y):
    with pytest.raises(InputError, match="single class 1 in all 2 rows"):
        gn.train(network(), ROWS, Y, "cross_entropy")


def test_a_single_answer_to_yes_or_no_is_a_single_class():
    net = gn.Network(3, [gn.Dense(1, "sigmoid")])
    with pytest.raises(InputError, match="single class 0 in all 2 rows"):
        gn.train(net, ROWS, [0, 0], "binary_cross_entropy")


def test_outputs_that_no_label_names_are_told_at_the_callers_line():
    with pytest.warns(
        GlassnetWarning, match=r"3 outputs, but Y names only 2 classes: no row shows output 1\."
    ) as caught:
        gn.train(network(3), ROWS, [0, 2], "cross_entropy", epochs=1)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(GlassnetWarning, match=r"no row shows output 2, 3, 4, 5, 6, …\. Give the last layer 2 units"):
        gn.train(network(9), ROWS, [0, 1], "cross_entropy", epochs=1)


# What training refuses besides


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"batch_size": 0},
            r"^batch_size is 0; expected how many rows a step takes: 1 for one example, .* None for all",
        ),
        ({"batch_size": -1}, r"batch_size is -1"),
        ({"batch_size": 2.0}, r"batch_size is 2.0"),
        ({"batch_size": "all"}, r"batch_size is 'all'"),
        ({"batch_size": True}, r"batch_size is True"),
        ({"epochs": 0}, r"^epochs is 0; expected a whole number from 1 up\.$"),
        ({"epochs": 1.5}, r"epochs is 1.5"),
        ({"epochs": None}, r"epochs is None"),
        ({"optimizer": "adm"}, r"no optimizer named 'adm'. Did you mean 'adam"),
        ({"optimizer": 0.1}, r"optimizer is 0.1 of type float"),
        ({"optimizer": "sgd(-1)"}, r"learning_rate is -1"),
        ({"schedule": "cosin"}, r"no schedule named 'cosin'. Did you mean 'cosine"),
        ({"engine": "compield"}, r"no engine named 'compield'"),
        ({"reduction": "avg"}, r"reduction is 'avg'"),
        ({"l2": -1}, r"l2 is -1"),
        ({"clip_norm": 0}, r"clip_norm is 0; expected a positive number, or None for none\.$"),
        ({"clip_value": -1}, r"clip_value is -1"),
        ({"clip_value": NAN}, r"clip_value is nan"),
        ({"time_limit": "1h"}, r"time_limit is '1h'"),
        ({"seed": -5}, r"seed is -5"),
        ({"seed": None}, r"seed is None"),
        ({"validation": 0.0}, r"hold out lies between 0 and 1, both excluded; got"),
        ({"validation": 1.0}, r"hold out lies between 0 and 1, both excluded; got"),
        ({"validation": NAN}, r"hold out lies between 0 and 1, both excluded; got"),
        ({"validation": "20%"}, r"validation is '20%'; expected a pair \(Xv, Yv\), or the share of rows to hold out"),
        ({"validation": (ROWS,)}, r"validation is"),
        ({"validation": ([[1, 2]], [0])}, r"^validation X has shape \(1, 2\)"),
        ({"early_stopping": 3}, r"early_stopping watches 'validation_loss', but there are no validation rows"),
        ({"early_stopping": 0, "validation": (ROWS, [0, 1])}, r"patience is 0"),
        ({"callbacks": print}, r"callbacks is .*; expected a list of functions"),
        ({"callbacks": [3]}, r"callbacks holds 3"),
        ({"threads": 0}, r"threads is 0"),
        (
            {"optimizer": "lbfgs", "batch_size": 1},
            r"optimizer 'lbfgs' needs all 2 rows in each step; pass batch_size=None",
        ),
        ({"optimizer": "lbfgs", "clip_norm": 1.0}, r"leave out clip_norm and clip_value"),
    ],
)
def test_settings_that_are_refused(arguments, sentence):
    net = network()
    before = net.theta.copy()
    with pytest.raises(InputError, match=sentence) as caught:
        gn.train(net, ROWS, [0, 1], "cross_entropy", **arguments)
    assert str(caught.value).endswith((".", "?"))
    np.testing.assert_array_equal(net.theta, before)


def test_what_is_no_network():
    with pytest.raises(InputError, match=r"net is a list; expected a gn.Network"):
        gn.train([], ROWS, [0, 1], "cross_entropy")
    with pytest.raises(InputError, match=r"net is a str; expected a gn.Network"):
        gn.check_gradient("net", ROWS, [0, 1], "cross_entropy")
    with pytest.raises(InputError, match=r"net is a str; expected a gn.Network"):
        gn.evaluate("net", ROWS, [0, 1], "cross_entropy")

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glassnet.data import Encoder, Table, open_source
from glassnet.errors import DataError, InputError

numbers = st.floats(-1e100, 1e100, allow_nan=False)
matrices = hnp.arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 5)), elements=numbers)


def table(inputs: Any, targets: Any = None, classes: tuple[str, ...] = (), columns: Any = None, **more: Any) -> Table:
    inputs = np.asarray(inputs, dtype=np.float64)
    targets = np.arange(len(inputs)) / 7 if targets is None else np.asarray(targets)
    columns = columns or tuple(f"c{at}" for at in range(inputs.shape[1]))
    task: Any = "classification" if classes else "regression"
    return Table(inputs, tuple(columns), targets, "y", task, classes, **more)


# Inputs


def test_tables_are_standardised_as_scikit_learn_does() -> None:
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4)) * [1, 1e6, 1e-6, 3] + [0, 1e3, 5, -2]
    encoder = Encoder.fit(table(rows[:150]))
    oracle = StandardScaler().fit(rows[:150])
    assert np.allclose(encoder.shift, oracle.mean_, rtol=1e-13, atol=0)
    assert np.allclose(encoder.scale, oracle.scale_, rtol=1e-12, atol=0)
    unseen = table(rows[150:])
    assert np.allclose(encoder.inputs(unseen, "float64"), oracle.transform(rows[150:]), rtol=1e-9, atol=2e-9)
    assert encoder.inputs(unseen).dtype == np.float32
    assert np.array_equal(encoder.inputs(unseen), encoder.inputs(unseen, "float64").astype(np.float32))


@given(rows=matrices)
def test_any_finite_table_is_scaled_to_finite_numbers(rows: np.ndarray) -> None:
    given_table = table(rows)
    encoder = Encoder.fit(given_table)
    scaled = encoder.inputs(given_table, "float64")
    assert np.isfinite(scaled).all()
    assert (encoder.scale > 0).all()
    for at in range(rows.shape[1]):
        if rows[:, at].min() == rows[:, at].max():
            assert (scaled[:, at] == 0).all()
            assert encoder.scale[at] == 1
        else:
            # A standard deviation never exceeds the largest distance, nor falls below it over √m.
            assert 0.99 <= np.abs(scaled[:, at]).max() <= 1.01 * np.sqrt(len(rows))


def test_a_constant_column_is_constant_whatever_its_value() -> None:
    encoder = Encoder.fit(table(np.full((10, 1), 0.1)))
    assert (encoder.shift[0], encoder.scale[0]) == (0.1, 1)


def test_numbers_at_the_ends_of_float64() -> None:
    tiny = Encoder.fit(table([[5e-324], [0.0]]))
    assert tiny.scale[0] > 0
    with pytest.raises(DataError, match=r"'c0' holds numbers up to 1.7e\+308"):
        Encoder.fit(table([[1.7e308], [1.6e308]]))
    encoder = Encoder.fit(table([[1.0], [1.0], [1.0]]))
    with pytest.raises(DataError, match=r"'c0' holds 1e\+300 in row 2, too large for float32"):
        encoder.inputs(table([[1.0], [1e300]]))
    assert encoder.inputs(table([[1.0], [1e300]]), "float64")[1, 0] == 1e300


def test_the_row_of_a_value_too_large_is_counted_over_the_whole_table() -> None:
    encoder = Encoder.fit(table([[0.0], [1.0]]))
    rows = np.zeros((9000, 1))
    rows[8999] = 1e300
    with pytest.raises(DataError, match="in row 9000"):
        encoder.inputs(table(rows))


def test_images_are_scaled_by_the_largest_possible_value() -> None:
    digits = open_source("digits")
    encoder = Encoder.fit(digits)
    assert np.array_equal(encoder.inputs(digits, "float64"), digits.inputs / 16)
    assert encoder.image_shape == (8, 8)
    pixels = tuple(f"pixel {row},{column}" for row in range(9) for column in range(9))
    with pytest.raises(DataError, match=r"images of 8 x 8 pixels; .* of 9 x 9"):
        encoder.inputs(table(np.zeros((1, 81)), columns=pixels, image_shape=(9, 9)))


def test_columns_are_found_by_name_in_any_order() -> None:
    encoder = Encoder.fit(table([[1, 10], [2, 30]], columns=("a", "b")))
    other = table([[30, 0, 2, 5], [10, 0, 1, 5]], columns=("b", "extra", "a", "y"))
    assert np.array_equal(encoder.inputs(other), encoder.inputs(table([[2, 30], [1, 10]], columns=("a", "b"))))
    with pytest.raises(DataError, match=r"lacks the column b, which this model reads. It has a, c"):
        encoder.inputs(table([[1, 2]], columns=("a", "c")))
    with pytest.raises(DataError, match=r"^u\.csv lacks .*It has B: names must match in upper and lower case\."):
        encoder.inputs(table([[1, 2]], columns=("a", "B"), source="/far/u.csv", called="u.csv"))


@pytest.mark.parametrize("dtype", ["int32", "float16", "nonsense", object])
def test_a_dtype_that_is_none(dtype: Any) -> None:
    rows = table([[1.0], [2.0]])
    with pytest.raises(InputError, match="float32 or float64"):
        Encoder.fit(rows).inputs(rows, dtype)


# Targets


def test_regression_targets_come_back_in_their_units() -> None:
    rows = table([[1.0], [2.0], [4.0]], [100.0, 300.0, 800.0])
    encoder = Encoder.fit(rows)
    scaled = encoder.targets(rows, "float64")
    assert scaled.shape == (3, 1)
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0, abs=1e-15), pytest.approx(1))
    decoded = encoder.decode(scaled)
    assert decoded.values == pytest.approx([100, 300, 800], rel=1e-15)
    assert decoded.scores is None
    assert encoder.decode(scaled[:, 0]).values.tolist() == decoded.values.tolist()
    assert encoder.targets(rows).dtype == np.float32


def test_classes_are_matched_by_name() -> None:
    encoder = Encoder.fit(open_source("digits:3,7"))
    both, turned = open_source("digits:3,7"), open_source("digits:7,3")
    assert np.array_equal(encoder.targets(both), encoder.targets(turned))
    assert encoder.targets(turned).dtype == np.int64
    few = table([[0.0]] * 2, [0, 0], ("7",))
    assert Encoder.fit(table([[0.0]] * 2, [0, 1], ("3", "7"))).targets(few).tolist() == [1, 1]
    with pytest.raises(DataError, match=r"is of the class '8', which this model was not trained on. It knows 3, 7"):
        encoder.targets(open_source("digits:3,8"))


def test_a_class_without_rows_does_not_matter() -> None:
    encoder = Encoder.fit(table([[0.0]] * 2, [0, 1], ("3", "7")))
    assert encoder.targets(table([[0.0]], [1], ("8", "3"))).tolist() == [0]


def test_targets_of_another_kind() -> None:
    classes, values = table([[0.0]] * 2, [0, 1], ("0", "1")), table([[0.0]] * 2, [0.0, 1.0])
    with pytest.raises(DataError, match=r"trained for classification, .* for regression"):
        Encoder.fit(classes).targets(values)
    with pytest.raises(DataError, match=r"trained for regression, .* for classification"):
        Encoder.fit(values).targets(classes)
    with pytest.raises(DataError, match=r"target of this model is 'y'; .* has none"):
        Encoder.fit(values).targets(Table(np.zeros((1, 1)), ("c0",)))
    with pytest.raises(DataError, match=r"holds 1e\+300 in row 1: too large"):
        Encoder.fit(values).targets(table([[0.0]], [1e300]))


def test_what_cannot_be_learned() -> None:
    with pytest.raises(DataError, match="no target to learn"):
        Encoder.fit(Table(np.zeros((1, 1)), ("c0",)))
    with pytest.raises(DataError, match="no rows"):
        Encoder.fit(table(np.zeros((0, 1))))
    with pytest.raises(DataError, match="one value only"):
        Encoder.fit(table([[0.0]] * 2, [3.0, 3.0]))
    with pytest.raises(DataError, match=r"one value only, 3, in the 2 rows .* Hold out a smaller share"):
        Encoder.fit(table([[0.0]] * 2, [3.0, 3.0]))
    with pytest.raises(DataError, match=r"Too few rows are left to train on: 1 row\. Hold out a smaller share"):
        Encoder.fit(table([[0.0]], [3.0]))
    with pytest.raises(DataError, match="one class only"):
        Encoder.fit(table([[0.0]] * 2, [0, 0], ("3",)))


# Answers


def test_the_largest_output_names_the_class() -> None:
    encoder = Encoder.fit(table([[0.0]] * 3, [0, 1, 2], ("a", "b", "c")))
    outputs = np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [-3, -2, -1]], dtype=np.float32)
    decoded = encoder.decode(outputs)
    assert decoded.values.tolist() == ["b", "a", "c"]
    assert decoded.scores is not None
    assert np.array_equal(decoded.scores, outputs)


def test_one_output_for_two_classes_is_the_second_ones_probability() -> None:
    encoder = Encoder.fit(table([[0.0]] * 2, [0, 1], ("no", "yes")))
    decoded = encoder.decode([[0.2], [0.5], [1.0]])
    assert decoded.values.tolist() == ["no", "yes", "yes"]
    assert decoded.scores is not None
    assert decoded.scores.tolist() == [[0.8, 0.2], [0.5, 0.5], [0.0, 1.0]]
    assert encoder.decode([0.2, 0.9]).values.tolist() == ["no", "yes"]
    assert encoder.decode(np.zeros((0, 2))).values.tolist() == []


@pytest.mark.parametrize("shape", [(2, 4), (2, 1), (3,), (1, 1, 3)])
def test_answers_of_another_shape(shape: tuple[int, ...]) -> None:
    encoder = Encoder.fit(table([[0.0]] * 3, [0, 1, 2], ("a", "b", "c")))
    with pytest.raises(InputError, match="3 classes have shape"):
        encoder.decode(np.zeros(shape))
    with pytest.raises(InputError, match="row 2 is NaN"):
        encoder.decode(np.array([[1, 0, 0], [0, np.nan, 0]]))
    with pytest.raises(InputError, match="regression have shape"):
        Encoder.fit(table([[0.0], [1.0]])).decode(np.zeros((2, 2)))


# To a file and back


@given(rows=matrices, data=st.data())
def test_a_stored_encoder_is_the_same_to_the_last_bit(rows: np.ndarray, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=4, unique=True))
    columns = data.draw(st.lists(st.text(), min_size=rows.shape[1], max_size=rows.shape[1], unique=True))
    classes = tuple(names) if data.draw(st.booleans()) else ()
    targets = np.arange(len(rows)) % len(names) if classes else np.arange(len(rows)) / 3
    encoder = Encoder.fit(table(rows, targets, classes, columns))
    back = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert back.to_dict() == encoder.to_dict()
    assert back.shift.tobytes() == encoder.shift.tobytes()
    assert back.scale.tobytes() == encoder.scale.tobytes()
    assert (back.columns, back.classes, back.task) == (tuple(columns), classes, encoder.task)
    assert (back.target_shift, back.target_scale) == (encoder.target_shift, encoder.target_scale)


def test_an_encoder_of_images_is_stored_too() -> None:
    encoder = Encoder.fit(open_source("digits"))
    back = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert (back.image_shape, back.classes) == ((8, 8), tuple("0123456789"))
    assert np.array_equal(back.scale, np.full(64, 16.0))


STORED = Encoder.fit(table([[0.0, 1.0]] * 2, [0, 1], ("no", "yes"))).to_dict()


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("columns", "c0", "columns is a list of texts"),
        ("columns", ["c0", "c0"], "each once"),
        ("columns", ["c0", 1], "list of texts"),
        ("columns", ["c0", ["c1"]], "list of texts"),
        ("columns", ["c0"], "shift is a list of 1 finite|scale is a list of 1 finite"),
        ("shift", [0.0], "shift is a list of 2 finite numbers"),
        ("shift", [0.0, float("nan")], "shift is a list of 2 finite numbers"),
        ("shift", [0.0, 10**400], "shift is a list of 2 finite numbers"),
        ("shift", [0.0, True], "shift is a list of 2 finite numbers"),
        ("shift", None, "shift is a list of 2 finite numbers"),
        ("scale", [1.0, 0.0], "scale is above 0"),
        ("scale", [1.0, float("inf")], "scale is a list of 2 finite numbers"),
        ("target", 3, "target is a text"),
        ("task", "clustering", "task is classification or regression"),
        ("task", "regression", "classes is empty for regression"),
        ("classes", [], "classes names two or more"),
        ("classes", ["a", "a"], "each once"),
        ("target_shift", "0", "target_shift is a finite number"),
        ("target_scale", -1.0, "target_scale is above 0"),
        ("image_shape", [3, 3], "image_shape makes 2 pixels"),
        ("image_shape", [2], "two whole numbers"),
        ("image_shape", [-1, -2], "two whole numbers"),
        ("image_shape", [2.0, 1.0], "two whole numbers"),
        ("extra", 1, "has extra, which this glassnet does not know"),
    ],
)
def test_stored_nonsense_is_named(part: str, value: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Encoder.from_dict(STORED | {part: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stored", [None, [], "text", {}])
def test_what_is_no_stored_encoder(stored: Any) -> None:
    with pytest.raises(InputError, match=r"mapping|lacks"):
        Encoder.from_dict(stored)


@pytest.mark.parametrize("part", list(STORED))
def test_a_missing_part_is_named(part: str) -> None:
    with pytest.raises(InputError, match=f"lacks {part}"):
        Encoder.from_dict({name: value for name, value in STORED.items() if name != part})


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(part=st.sampled_from(list(STORED)), value=anything)
def test_whatever_is_stored_is_read_or_refused(part: str, value: Any) -> None:
    try:
        encoder = Encoder.from_dict(STORED | {part: value})
    except InputError:
        return
    assert json.dumps(encoder.to_dict()[part]) == json.dumps(value) or encoder.to_dict()[part] == value

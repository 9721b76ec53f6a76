"""The registry: names with arguments, read without running anything."""

import pytest

from glassnet.errors import InputError, UnknownNameError
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.initializers import INITIALIZERS
from glassnet.maths.losses import LOSSES
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.maths.registry import Registry
from glassnet.maths.schedules import SCHEDULES

ALL = [ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES]


def make(*values, size=1, word="w"):
    return ("made", values, size, word)


THINGS = Registry("thing", tuple, {"plain": ("plain",), "made": make})


def test_it_is_a_mapping_of_records():
    assert list(THINGS) == ["plain", "made"]
    assert len(THINGS) == 2
    assert THINGS["plain"] == ("plain",)
    assert THINGS["made"] == ("made", (), 1, "w")
    assert "made" in THINGS
    assert "other" not in THINGS
    assert dict(THINGS) == {"plain": ("plain",), "made": ("made", (), 1, "w")}
    with pytest.raises(KeyError):
        THINGS["other"]


@pytest.mark.parametrize(
    ("spec", "values", "named"),
    [
        ("made", (), {}),
        ("made()", (), {}),
        (" made( 1 ) ", (1,), {}),
        ("made(0.5, -2)", (0.5, -2), {}),
        ("made(1e-3, size=3)", (1e-3,), {"size": 3}),
        ("made(word='a(b)')", (), {"word": "a(b)"}),
        ("made((0.9, 0.999), size=None)", ((0.9, 0.999),), {"size": None}),
        ("made([True, 'x'])", ([True, "x"],), {}),
    ],
)
def test_arguments_are_plain_values(spec, values, named):
    assert THINGS.resolve(spec) == make(*values, **named)


def test_a_record_of_ones_own_is_returned_as_it_is():
    own = ("own",)
    assert THINGS.resolve(own) is own


@pytest.mark.parametrize(
    ("spec", "kind", "sentence"),
    [
        ("plian", UnknownNameError, r"^There is no thing named 'plian'. Did you mean 'plain'\?$"),
        ("zzz", UnknownNameError, r"^There is no thing named 'zzz'. Known: made, plain.$"),
        ("zzz(1)", UnknownNameError, r"named 'zzz'"),
        ("a b", UnknownNameError, r"named 'a b'"),
        ("plain()", InputError, r"thing 'plain' takes no arguments; got 'plain\(\)'. Write 'plain'.$"),
        ("made(colour=1)", InputError, r"made takes: values, size, word"),
        ("made(**{'size': 2})", InputError, r"made takes: values, size, word"),
        ("made(size)", InputError, r"cannot be read; expected a name, or a name with plain values such as 'name\(0.5"),
        ("made(1", InputError, r"cannot be read"),
        ("made(open('x'))", InputError, r"cannot be read"),
        ("made(1)(2)", InputError, r"thing"),
        ("made(*[1])", InputError, r"cannot be read"),
        (5, InputError, r"thing is 5 of type int; expected a name such as 'plain' or a record of your own.$"),
        (["plain"], InputError, r"of type list"),
    ],
)
def test_what_cannot_be_read(spec, kind, sentence):
    with pytest.raises(kind, match=sentence):
        THINGS.resolve(spec)


@pytest.mark.parametrize("registry", ALL, ids=lambda registry: registry.kind)
def test_names_of_the_real_registries_are_lower_case_words_that_find_records(registry):
    assert len(registry) > 5
    for name in registry:
        assert name.isidentifier()
        assert name == name.lower()
        record = registry.resolve(name)
        assert registry.resolve(record) is record
        spelling = getattr(record, "spec", None) or record.name
        again = registry.resolve(spelling)
        assert (getattr(again, "spec", None) or again.name) == spelling


@pytest.mark.parametrize("registry", ALL, ids=lambda registry: registry.kind)
def test_one_slip_of_the_finger_is_understood(registry):
    for name in registry:
        slipped = name[0] + name
        with pytest.raises(UnknownNameError) as caught:
            registry.resolve(slipped)
        assert repr(name) in str(caught.value)
        assert f"no {registry.kind} named {slipped!r}" in str(caught.value)

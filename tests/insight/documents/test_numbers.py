"""What is printed multiplies and adds up to what is printed, as a reader with a calculator finds."""

import math
from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.insight.documents import as_decimal, number, product, products, total

getcontext().prec = 500
finite = st.floats(min_value=-1e6, max_value=1e6).filter(lambda x: x == 0 or abs(x) > 1e-12)


def read(latex):
    """Read a printed number without the code under test."""
    mantissa, _, power = latex.partition(r" \times 10^{")
    return Decimal(mantissa) * Decimal(10) ** int(power.rstrip("}") or 0)


def rounds_to(exact, shown):
    """Whether a number, rounded to the digits of a printed one, is that one; zeros at its end may not be printed."""
    digits = len(read(shown).normalize().as_tuple().digits)
    return any(Decimal(f"{exact:.{n - 1}e}") == read(shown) for n in range(digits, 9))


@given(st.lists(finite, min_size=1, max_size=9))
def test_printed_factors_multiply_to_the_printed_product(factors):
    shown, result = product(factors)
    exact = math.prod(map(read, shown), start=Decimal(1))
    assert rounds_to(exact, result)
    assert float(read(result)) == pytest.approx(math.prod(factors), rel=1e-7, abs=0)


@given(st.lists(finite, min_size=1, max_size=9))
def test_printed_terms_add_up_to_the_printed_sum(terms):
    shown, result = total(terms)
    assert rounds_to(sum(map(read, shown), Decimal(0)), result)
    scale = math.fsum(map(abs, terms))
    assert float(read(result)) == pytest.approx(math.fsum(terms), rel=1e-7, abs=1e-15 * scale)


@given(st.lists(st.lists(finite, min_size=1, max_size=3), min_size=1, max_size=6))
def test_printed_products_add_up(terms):
    shown, result = products(terms)
    exact = sum((math.prod(map(read, factors), start=Decimal(1)) for factors in shown), Decimal(0))
    assert rounds_to(exact, result)


def test_terms_that_cancel_leave_the_digits_that_they_have():
    shown, result = total([0.1, 0.2, -0.3])  # 5.55e-17, all of it rounding
    assert rounds_to(sum(map(read, shown), Decimal(0)), result)
    assert abs(float(read(result))) < 1e-15


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_printed_to_its_digits(value):
    assert float(read(number(value, 17))) == value
    assert as_decimal(number(value, 17)) == read(number(value, 17))


@pytest.mark.parametrize(
    ("value", "shown"), [(math.nan, r"\text{NaN}"), (math.inf, r"\infty"), (-math.inf, r"-\infty")]
)
def test_what_is_no_number_is_said(value, shown):
    assert number(value) == shown

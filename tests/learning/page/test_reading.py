import pytest

from crl_learning.page.reading import facts_of
from crl_robot.errors import ContractError


def test_numbers_that_json_does_not_know_become_null():
    assert facts_of('{"a": NaN, "b": [Infinity, 1.5]}') == {"a": None, "b": [None, 1.5]}


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "\x00"])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(ContractError, match="expected an object"):
        facts_of(text)

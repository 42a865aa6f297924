"""The list of slow tests names tests that there are."""

from tests import measuring


def test_every_test_in_the_list_exists() -> None:
    names = measuring.LIST.read_text(encoding="utf-8").splitlines()
    assert names == sorted(set(names))
    assert [name for name in names if not measuring.exists(name)] == []


def test_a_name_that_is_gone_is_noticed() -> None:
    assert measuring.exists("tests/test_measuring.py::test_a_name_that_is_gone_is_noticed")
    assert not measuring.exists("tests/test_measuring.py::test_a_name")
    assert not measuring.exists("tests/gone.py::test_a_name_that_is_gone_is_noticed")


def test_all_cases_of_a_function_are_one() -> None:
    assert measuring.function("tests/x.py::test_y[a::b[0]]") == "tests/x.py::test_y"

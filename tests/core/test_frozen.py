"""Frozen records behave as frozen dataclasses do, and need none of what those need."""

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from claude_local_plugin.core.frozen import frozen, replace

NOTHING: Mapping[str, str] = MappingProxyType({})


@frozen
class Ours:
    """A record of ours."""

    name: str
    size: int | None = None
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name.upper()

    @property
    def empty(self) -> bool:
        return not self.parts


@dataclasses.dataclass(frozen=True)
class Theirs:
    name: str
    size: int | None = None
    parts: tuple[str, ...] = ()


@frozen(hides=("key",))
class Login:
    user: str
    key: str
    more: Mapping[str, str] = NOTHING


def test_values_are_given_by_place_and_by_name() -> None:
    made = Ours("a", parts=("b",))
    assert (made.name, made.size, made.parts, made.empty, str(made)) == ("a", None, ("b",), False, "A")


@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("a", 1, (), 2), {}), (("a",), {"name": "b"}), (("a",), {"colour": "b"}), ((), {"size": 1})],
)
def test_a_call_that_a_dataclass_refuses_is_a_type_error(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Theirs(*given, **named)
    with pytest.raises(TypeError, match=r"^Ours\(\) "):
        Ours(*given, **named)


def test_nothing_of_it_can_be_changed() -> None:
    made = Ours("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.size = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.colour = "red"  # type: ignore[attr-defined]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del made.name
    assert made == Ours("a")


def test_equal_values_of_one_class_are_equal_and_hash_alike() -> None:
    assert Ours("a", 1) == Ours("a", size=1)
    assert len({Ours("a", 1), Ours("a", size=1), Ours("b")}) == 2
    assert Ours("a") != Ours("b")
    assert Ours("a") != Theirs("a")


def test_it_is_shown_as_a_dataclass_is_without_what_is_hidden() -> None:
    assert repr(Ours("a", 1)) == repr(Theirs("a", 1)).replace("Theirs", "Ours")
    assert repr(Login("me", "sk-secret")) == "Login(user='me', more=mappingproxy({}))"


def test_another_one_is_made_of_it_and_a_field_that_there_is_not_is_refused() -> None:
    assert replace(Ours("a", 1), size=2) == Ours("a", 2)
    with pytest.raises(TypeError, match="colour"):
        replace(Ours("a"), colour="red")  # type: ignore[call-arg]


def test_it_can_be_copied_and_pickled() -> None:
    made = Ours("a", 1, ("b",))
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other == made


def test_it_can_be_matched() -> None:
    match Ours("a", 3):
        case Ours("a", size=found):
            assert found == 3
        case _:
            pytest.fail("no match")


def test_dataclasses_take_it_for_one_of_theirs() -> None:
    made = Ours("a", 1)
    assert dataclasses.is_dataclass(Ours)
    assert dataclasses.is_dataclass(made)
    assert [field.name for field in dataclasses.fields(Ours)] == ["name", "size", "parts"]
    assert dataclasses.asdict(made) == dataclasses.asdict(Theirs("a", 1))
    assert dataclasses.replace(made, size=2) == Ours("a", 2)
    assert dataclasses.replace(Login("me", "k"), user="you") == Login("you", "k")


def test_making_and_using_one_imports_neither_dataclasses_nor_inspect() -> None:
    code = """
import sys
from claude_local_plugin.core.frozen import frozen, replace
@frozen
class A:
    a: int = 1
assert repr(replace(A(), a=2)) == "A(a=2)" and A() == A() and hash(A()) == hash(A())
assert not {"dataclasses", "inspect", "typing", "re"} & set(sys.modules), sys.modules.keys()
"""
    subprocess.run([sys.executable, "-S", "-c", code], check=True, cwd=__file__.rpartition("/tests/")[0])

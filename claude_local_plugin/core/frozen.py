"""Frozen records at a small part of what `dataclasses` costs: for what is loaded each time a quick command runs.

A frozen dataclass compiles six methods out of text as its module is imported, about 0.7 ms, and `dataclasses` brings
`inspect` besides; a command that has twenty of them waits for that longer than for its answer. Here every class shares
the same few methods. To whoever asks, they are dataclasses: `dataclasses.fields`, `asdict` and `replace` work as well.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import replace as replace
    from typing import Any, TypeVar, dataclass_transform, overload

    T = TypeVar("T")

    @overload
    def frozen(cls: "type[T]") -> "type[T]": ...
    @overload
    def frozen(*, hides: "tuple[str, ...]" = ()) -> "Callable[[type[T]], type[T]]": ...
    @dataclass_transform(frozen_default=True)
    def frozen(cls: "type[T] | None" = None, *, hides: "tuple[str, ...]" = ()) -> "Any": ...

else:

    def frozen(cls=None, *, hides=()):
        """Makes a frozen record of a class by its annotations, as `dataclass(frozen=True)` does.

        Fields in `hides` are left out where the record is shown. Defaults are shared, so they must not be mutable.
        """
        if cls is None:
            return lambda cls: frozen(cls, hides=hides)
        names = tuple(cls.__annotations__)
        for name, method in _METHODS.items():
            if name not in vars(cls):
                setattr(cls, name, method)
        cls.__match_args__ = names
        cls.__frozen_defaults__ = {name: vars(cls)[name] for name in names if name in vars(cls)}
        cls.__frozen_hides__ = frozenset(hides)
        return cls

    def replace(record, **changes):
        """The record with other values in these fields."""
        return type(record)(**{**vars(record), **changes})


def names_of(cls: "type[Any]") -> "tuple[str, ...]":
    """The names of the fields of a frozen record's class, in order."""
    names: tuple[str, ...] = cls.__match_args__
    return names


def _init(self: "Any", *given: object, **named: object) -> None:
    cls = type(self)
    names = cls.__match_args__
    values = {**cls.__frozen_defaults__, **dict(zip(names, given)), **named}  # noqa: B905  (Python 3.9 has no `strict`)
    if len(values) != len(names) or len(given) > len(names) or not named.keys().isdisjoint(names[: len(given)]):
        raise TypeError(f"{cls.__name__}() {_wrong(cls, given, named)}")
    vars(self).update(values)


def _wrong(cls: "Any", given: "tuple[object, ...]", named: "dict[str, object]") -> str:
    """What is wrong with the values, as Python says it of a function."""
    names = cls.__match_args__
    if len(given) > len(names):
        return f"takes {len(names)} values but {len(given)} were given"
    for name in named:
        if name not in names:
            return f"got an unexpected keyword argument {name!r}"
        if name in names[: len(given)]:
            return f"got multiple values for argument {name!r}"
    missing = [name for name in names[len(given) :] if name not in named and name not in cls.__frozen_defaults__]
    return f"missing values: {', '.join(missing)}"


def _values(self: "Any") -> "tuple[object, ...]":
    values = vars(self)
    return tuple(values[name] for name in self.__match_args__)


def _equal(self: "Any", other: object) -> "Any":
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: "Any") -> int:
    return hash(_values(self))


def _shown(self: "Any") -> str:
    cls = type(self)
    shown = (f"{name}={vars(self)[name]!r}" for name in cls.__match_args__ if name not in cls.__frozen_hides__)
    return f"{cls.__qualname__}({', '.join(shown)})"


def _refuse(self: "Any", name: str, *_: object) -> None:
    from dataclasses import FrozenInstanceError  # only where somebody tries

    raise FrozenInstanceError(f"cannot change field {name!r}")


class _Fields:
    """The fields as `dataclasses` has them, made when that module asks."""

    def __get__(self, _: object, owner: "Any") -> "dict[str, Any]":
        import dataclasses
        from functools import partial  # what this module is there to do without

        rows: list[Any] = []
        for name in owner.__match_args__:
            # a default goes by the way of those that may be mutable, which an unhashable mapping is taken for
            has_default = name in owner.__frozen_defaults__
            field = (
                dataclasses.field(default_factory=partial(getattr, owner, name)) if has_default else dataclasses.field()
            )
            rows.append((name, owner.__annotations__[name], field))
        made = dataclasses.make_dataclass(owner.__name__, rows)
        return dict(vars(made)["__dataclass_fields__"])


_METHODS = {
    "__init__": _init,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__dataclass_fields__": _Fields(),
}

"""ModelOptions: command-line options that are made from the fields of a Pydantic model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, make_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from cyclopts import Group, Parameter
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from heatsvc.cli.errors import UsageError, option_name
from heatsvc.pipeline.errors import explain_invalid

Model = TypeVar("Model", bound=BaseModel)

_METAVARS = {"img_shape": "HEIGHT WIDTH", "split": "JSON", "pipeline": "PRESET|JSON", "select": "LAYOUT|INDICES"}
_INDICES = re.compile(r"\d+(,\d+)*")


@dataclass(frozen=True)
class ModelField:
    """A field of a model, or of a nested model, as an option.

    Attributes:
        path: the names of the field and the models around it, ``("picture", "mode")``.
        flag: the option, ``--mode``.
        annotation: the field's type.
        info: the field.
    """

    path: tuple[str, ...]
    flag: str
    annotation: Any
    info: FieldInfo

    @property
    def key(self) -> str:
        """Its name in the dataclass of `ModelOptions.parameters`."""
        return "_".join(self.path)


class ModelOptions(Generic[Model]):
    """The command-line options of a model: one for each field, including those of nested models.

    Args:
        model: a model whose fields have descriptions.
        skip: fields that have no option.
        flags: options that are not named like their field: ``{"split": "--split-rule"}``.
        descriptions: replace those of the model.
        several: whether an option takes all words up to the next option, ``--select 0 1 2``; otherwise it takes one,
            and indices are separated by commas.
        title: of the options in the help.
        titles: of the options of nested models, by the field's name.
    """

    def __init__(
        self,
        model: type[Model],
        *,
        skip: Iterable[str] = (),
        flags: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
        several: bool = False,
        title: str = "Options",
        titles: Mapping[str, str] | None = None,
    ) -> None:
        self._model = model
        self._several = several
        self._descriptions = descriptions or {}
        self._group = Group(title, sort_key=2)
        self._groups = {name: Group(text, sort_key=3) for name, text in (titles or {}).items()}
        self._fields = list(_fields(model, set(skip), flags or {}))

    @property
    def flags(self) -> dict[str, str]:
        """The option of each field, by the name of the field."""
        return {each.path[-1]: each.flag for each in self._fields}

    def parameters(self, name: str, module: str) -> type[Any]:
        """Make a dataclass of all options, which cyclopts flattens if a parameter of this type is named ``*``.

        A field is None if its option is not given.

        Args:
            name, module: of the dataclass.
        """
        made = [
            (each.key, Annotated[_option_type(each.annotation) | None, self._parameter(each)], field(default=None))
            for each in self._fields
        ]
        return make_dataclass(name, made, frozen=True, kw_only=True, namespace={"__module__": module})

    def _parameter(self, each: ModelField) -> Parameter:
        is_list = get_origin(_option_type(each.annotation)) is list
        return Parameter(
            name=each.flag,
            help=self._help(each),
            group=self._groups.get(each.path[0], self._group),
            negative=() if _option_type(each.annotation) is not bool else None,
            show_default=_default_text(each.info.default),
            # Not by the type: for Python, Literals with the same choices in another order are equal.
            choices=_choices(each.annotation) or None,
            metavar=_METAVARS.get(each.path[-1]),
            consume_multiple=True if is_list and self._several else None,
            allow_leading_hyphen=_option_type(each.annotation) is str and not _choices(each.annotation),
        )

    def _help(self, each: ModelField) -> str:
        """The field's description, in which names of other fields are replaced by their options."""
        text = self._descriptions.get(each.path[-1], each.info.description or "")
        choices = {choice for other in self._fields for choice in _choices(other.annotation)}
        flags = self.flags

        def typed(found: re.Match[str]) -> str:
            return f"`{flags[found[1]]}`" if found[1] in flags and found[1] not in choices else found[0]

        return re.sub(r"(?<!fault )`(\w+)`", typed, text)

    def document(self, parsed: Any) -> dict[str, Any]:
        """The options that were given, as the JSON object of a request.

        Args:
            parsed: an instance of the dataclass of `parameters`; None if no option was given.

        Raises:
            UsageError: an option has invalid JSON.
        """
        document: dict[str, Any] = {}
        for each in self._fields:
            given = getattr(parsed, each.key, None)
            if given is not None:
                within = document
                for name in each.path[:-1]:
                    within = within.setdefault(name, {})
                within[each.path[-1]] = _value(given, each)
        return document

    def validate(self, document: Mapping[str, Any]) -> Model:
        """Validate the options, and return the model.

        Raises:
            UsageError: an option has an invalid value.
        """
        try:
            return self._model.model_validate(document)
        except ValidationError as error:
            name, detail = explain_invalid(error, self._model, document)
            for each in self._fields:
                if ".".join(each.path) == name:
                    detail = detail.removesuffix(each.info.description or "") + self._help(each)
                    detail = each.flag + detail.removeprefix(name)
            raise UsageError(detail.rstrip(". ").replace("`", "")) from None


def _fields(model: type[BaseModel], skip: set[str], flags: Mapping[str, str]) -> Iterable[ModelField]:
    for name, info in model.model_fields.items():
        if name in skip:
            continue
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            prefix = "" if name == "picture" else f"{name}_"
            for each, own in inner.model_fields.items():
                flag = flags.get(each, option_name(f"{prefix}{each}"))
                yield ModelField((name, each), flag, own.annotation, own)
        else:
            yield ModelField((name,), flags.get(name, option_name(name)), inner, info)


def _members(annotation: Any) -> list[Any]:
    """The members of a union except None, without metadata for Pydantic; another type alone."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [each for member in get_args(annotation) for each in _members(member) if each is not NoneType]
    return [annotation]


def _choices(annotation: Any) -> tuple[str, ...]:
    return tuple(
        choice for member in _members(annotation) if get_origin(member) is Literal for choice in get_args(member)
    )


def _option_type(annotation: Any) -> Any:
    """The type that cyclopts converts the words of an option to."""
    members = list(dict.fromkeys(_members(annotation)))
    if len(members) > 1:
        return list[str] if any(get_origin(member) is list for member in members) else str
    (member,) = members
    if get_origin(member) is tuple:
        return tuple[tuple(_option_type(side) for side in get_args(member))]  # type: ignore[misc]
    if get_origin(member) is list:
        return list[str]
    return str if get_origin(member) in (dict, Literal) else member


def _value(given: Any, each: ModelField) -> Any:
    """The JSON value of a converted option."""
    lists = [member for member in _members(each.annotation) if get_origin(member) is list]
    if isinstance(given, str) and any(get_origin(member) is dict for member in _members(each.annotation)):
        return _json(given, each.flag)
    if not isinstance(given, list):
        return list(given) if isinstance(given, tuple) else given
    if len(given) == 1 and given[0].startswith("["):
        return _json(given[0], each.flag)
    if given == ["none"] and each.info.default is not None:
        return None
    takes_indices = any(
        int in _members(get_args(member)[0]) and str not in _members(get_args(member)[0]) for member in lists
    )
    if takes_indices and all(_INDICES.fullmatch(word) for word in given):
        return [int(index) for word in given for index in word.split(",")]
    return given[0] if len(given) == 1 else given


def _json(text: str, flag: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{flag} is broken JSON: {error}") from None


def _default_text(default: Any) -> str | bool:
    if default is None or isinstance(default, BaseModel):
        return False
    return json.dumps(default).strip('"')

"""HeatmapOptions: what a request asks for beside its clips, under the same names in JSON, in a form and in a query."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from heatsvc.api.problems import RequestError
from heatsvc.pipeline import DEFAULT_PRESET, MAX_STEPS, PRESETS, STEPS, Pipeline, parse_pipeline
from heatsvc.pipeline.errors import short
from heatsvc.pose import LAYOUTS

Model = TypeVar("Model", bound=BaseModel)

# Only described: the pipeline, and the clip with its file and field, report what is wrong with these.
LayoutName = Annotated[str, WithJsonSchema({"type": "string", "enum": ["", *LAYOUTS]})]
"""A layout; "" where it is to be inferred."""
Side = Annotated[int, Field(strict=True), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100_000})]
"""Height or width of a video frame in pixels."""
_PresetName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PRESETS)})]
_Step = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"type": {"type": "string", "enum": list(STEPS)}},
            "required": ["type"],
            "additionalProperties": True,
        }
    ),
]
_Steps = Annotated[list[_Step], Field(fail_fast=True, json_schema_extra={"minItems": 1, "maxItems": MAX_STEPS})]
_Target = Annotated[str, WithJsonSchema({"type": "string", "enum": list(LAYOUTS)})]
_Index = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 0})]

# Longer ones, of steps that ignore what they are given, are not worth keeping.
_LONGEST_KEPT = 4 << 10


class HeatmapOptions(BaseModel):
    """Options of `POST /heatmap`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # fail_fast: of a list of a million faults the first is told, and the rest not collected.
    pipeline: _PresetName | _Steps = Field(
        DEFAULT_PRESET,
        description="A preset's name, or a list of steps in PYSKL's form; see `GET /pipelines`.",
        examples=["view", [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget", "sigma": 0.6}]],
    )
    reduce: Literal["none", "max", "argmax"] = Field(
        "none",
        description="`max`: each pixel's largest value over the channels. `argmax`: which channel has it, int16, "
        "-1 where all are zero.",
    )
    select: _Target | Annotated[list[_Index], Field(fail_fast=True, json_schema_extra={"minItems": 1})] | None = Field(
        None, description="A smaller layout, whose points are taken from the clip's; or points by position."
    )
    dtype: Literal["float32", "float16", "uint8"] = Field(
        "float32", description="uint8 is value * 255, rounded. `argmax` is int16 whatever is asked."
    )
    compression: Literal["fast", "small"] | None = Field(
        None,
        description="Of zstd answers: `fast` for a near client, `small` for a far one. By default float32 is fast, "
        "uint8 and float16 are small.",
    )
    test_mode: Annotated[bool, Field(strict=True)] = Field(
        True, description="Deterministic, as PYSKL tests. false: random steps draw from `seed`."
    )
    seed: Annotated[int, Field(strict=True)] | None = Field(
        None,
        ge=0,
        le=2**32 - 1,
        description="Of the random steps where `test_mode` is false; clip i draws from seed + i. "
        "The one used comes back in X-Heatmap-Seed.",
    )
    layout: LayoutName | None = Field(None, description="What the points are, for clips that do not say it themselves.")
    img_shape: tuple[Side, Side] | None = Field(
        None, description="(height, width) in pixels, for clips that do not say it themselves."
    )
    frame_dir: str | Annotated[list[str], Field(fail_fast=True)] | None = Field(
        None, description="Which clips of an annotation pickle; all by default."
    )

    @property
    def frame_dirs(self) -> list[str] | None:
        """The chosen clips as a list."""
        return [self.frame_dir] if isinstance(self.frame_dir, str) else self.frame_dir

    @cached_property
    def built_pipeline(self) -> Pipeline:
        """The pipeline and its reduction.

        Raises:
            PipelineError: steps that do not exist or do not fit.
        """
        return parse_pipeline(self.pipeline, reduce=self.reduce)


OPTIONS = tuple(HeatmapOptions.model_fields)


def options_from(given: Mapping[str, Any]) -> HeatmapOptions:
    """Options from JSON values; short ones last used are kept.

    Raises:
        RequestError: 422, an option that does not exist, or a value it cannot have; the message lists the known ones.
    """
    try:
        text = orjson.dumps(given)
    except TypeError:  # nested deeper than orjson writes, though not deeper than it reads
        return validated(HeatmapOptions, given)
    return _from_json(text) if len(text) <= _LONGEST_KEPT else validated(HeatmapOptions, given)


@lru_cache(maxsize=128)
def _from_json(text: bytes) -> HeatmapOptions:
    return validated(HeatmapOptions, orjson.loads(text))


def validated(model: type[Model], given: Mapping[str, Any]) -> Model:
    """A model of options from JSON values.

    Raises:
        RequestError: 422, an option that does not exist, or a value it cannot have; the message lists the known ones.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        # Of an option of several forms, the form that was looked into deepest is the one that was meant.
        first = max(error.errors(include_url=False), key=lambda fault: len(fault["loc"]))
        name = str(first["loc"][0])
        if name not in model.model_fields:
            raise RequestError(
                422, f"there is no option {short(name)}: known are {', '.join(model.model_fields)}", field=name[:60]
            ) from None
        told = model.model_fields[name].description or ""
        value = given.get(name)
        raise RequestError(422, f"{name} cannot be {short(value)}: {first['msg']}. {told}", field=name) from None


def options_from_query(query: bytes) -> HeatmapOptions:
    """Options from a query string: a list as JSON or by commas, true and false as such; short ones last used are kept.

    Raises:
        RequestError: as options_from; or an option given twice.
    """
    return _from_query(query) if len(query) <= _LONGEST_KEPT else _from_query.__wrapped__(query)


@lru_cache(maxsize=128)
def _from_query(query: bytes) -> HeatmapOptions:
    given: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=64)
    except ValueError:
        raise RequestError(422, "the query is not text in UTF-8, or has more than 64 fields") from None
    for name, text in pairs:
        if name in given:
            raise RequestError(422, f"{name!r:.60} is given twice", field=name[:60])
        given[name] = _from_text(name, text)
    return options_from(given)


def _from_text(name: str, text: str) -> Any:
    """A query's text as the JSON value it stands for."""
    if text.startswith("[") or name in ("seed", "test_mode"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    if name == "img_shape" or (name == "select" and text[:1].isdigit()):
        try:
            return [int(part) for part in text.split(",")]
        except ValueError:
            return text
    return text

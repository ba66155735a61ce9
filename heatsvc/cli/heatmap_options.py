"""The options of `heatsvc draw` and `heatsvc view`: those of POST /heatmap."""

from __future__ import annotations

from typing import Any

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.cli.errors import UsageError, describe_error
from heatsvc.cli.model_options import ModelOptions
from heatsvc.errors import InputError
from heatsvc.pipeline.errors import hint
from heatsvc.pose import LAYOUTS

DESCRIPTIONS = {
    "pipeline": "A preset's name (`heatsvc presets`), or a list of steps in PYSKL's form, in JSON.",
    "missing_points": "Keypoints of the layout `select` that a clip does not have. `missing`: they are not detected, "
    "with a warning; `error`: an error.",
    "select": "Keypoints to take: the name of a layout (`heatsvc layouts`), whose keypoints are found by name, or "
    "indices, `0,5,6`.",
    "seed": "Seed of the random steps after `--no-test-mode`; clip i of file j uses seed + i + j. By default a "
    "random seed.",
    "layout": "Layout of the keypoints. It takes precedence over the file. By default it is inferred from the names or "
    "the number of keypoints.",
    "plausibility": "What happens to impossible numbers. `error`: an error; `warn`: they are reported, as doubtful "
    "ones are; `ignore`: nothing is checked.",
    "test_mode": "Whether steps are deterministic, as in PYSKL's tests; otherwise random steps use `seed`.",
    "frame_dir": "Names of the clips to take from the files; may be given several times. All by default.",
}
_TITLE, _TITLES = "Options of the heatmaps", {"picture": "Options of pictures and videos"}
# `compression` is for responses of a service; a picture ignores `dtype` and `reduce`.
DRAW = ModelOptions(HeatmapOptions, skip=("compression",), descriptions=DESCRIPTIONS, title=_TITLE, titles=_TITLES)
VIEW = ModelOptions(
    HeatmapOptions, skip=("compression", "dtype", "reduce"), descriptions=DESCRIPTIONS, title=_TITLE, titles=_TITLES
)
DrawParameters = DRAW.parameters("DrawParameters", __name__)
ViewParameters = VIEW.parameters("ViewParameters", __name__)


def heatmap_options(accepted: ModelOptions[HeatmapOptions], parsed: Any) -> HeatmapOptions:
    """Validate the options of a command line.

    Args:
        accepted: the options of the command.
        parsed: an instance of its parameters; None if no option was given.

    Raises:
        UsageError: an option has an invalid value, or a step is unknown or does not fit the others.
    """
    options = accepted.validate(accepted.document(parsed))
    for name, layout in (("select", options.select), ("layout", options.layout)):
        if isinstance(layout, str) and layout not in LAYOUTS:
            raise UsageError(f"{accepted.flags[name]}: there is no layout {layout!r:.60}{hint(layout, LAYOUTS)}")
    try:
        options.built_pipeline  # noqa: B018  # raises if it is invalid
    except InputError as error:
        raise UsageError(describe_error(error, accepted.flags)) from None
    return options

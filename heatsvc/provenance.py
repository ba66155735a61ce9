"""Provenance: what made a file, so that it can be made again, or compared with another one."""

from __future__ import annotations

from heatsvc import __version__


def metadata(kernels: str, pipeline: str, seed: int | str | None) -> dict[str, str]:
    """What made a file, as texts by name: `software`, `version`, `kernels`, `pipeline`, and `seed` where there is one.

    Args:
        kernels: that computed, ``native`` or ``reference``; with ``+cuda`` where a GPU may have rendered some of it.
        pipeline: presets or steps.
        seed: of what was random; None where nothing was.
    """
    texts = {"software": "heatsvc", "version": __version__, "kernels": kernels, "pipeline": pipeline}
    return texts if seed is None else {**texts, "seed": str(seed)}

"""What schemathesis loads: arrays to send, and which requests may be refused that the document allows."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import requests
import schemathesis
import zstandard
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from schemathesis.specs.openapi.checks import negative_data_rejection

_REFUSALS = {
    "with a JSON body, options must be keys|send options in the form or in the query": "query parameters go with some "
    "media types of the body only",
    "all must have the same number|keypoint_score is .*: it must be": "lists are equally long",
    "`project: xy` drops": "whether keypoints have a third number depends on the array",
    "img_shape is missing": "a clip, the options or a file must have it",
    "must be two whole numbers|must be a whole number|should be a valid integer": "1.0 is an integer in JSON Schema",
    r"^(select|layout|clips\[\d+\]\.layout|frame_dir)": "which points and names there are depends on the clips",
    "^picture": "which channels and frames there are, and how many pixels, depends on the clips; in a query it is JSON",
    "^pipeline": "`GET /pipelines` describes the parameters of steps, and their order depends on what each makes",
    'no part named "(keypoints|labels)"|(labels are|split is) missing': "a part, or an option in another part",
    "^dataset": "which datasets there are depends on the server",
    "needs a column|no label file has a column|ha(s|ve) no videos?:": "columns and rows depend on the files",
    "videos cannot be used|^name_pattern": "what is in files, and how they are called, decides",
    "`plausibility: warn` accepts": "the numbers of the array decide",
    "send (a split file|keypoints) or the option": "a part, or an option in another part",
    "^Range": "how long a file is depends on the build",
}
"""By field or message: why a schema cannot rule out the request."""

# 401 depends on the key; 404 and 409 on what builds there are.
_STATUSES = {400, 403, 405, 406, 408, 413, 415, 416, 422}


@schemathesis.check
def allowed_requests_are_accepted(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """A request that the document allows is refused for a reason of `_REFUSALS` or for what is in a file only."""
    if response.status_code not in _STATUSES or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    fault = f"{problem.get('field', '')}: {problem['detail']}"
    if "file" not in problem and not any(re.search(known, fault) for known in _REFUSALS):
        raise AssertionError(f"the document allows this request: {fault}")


@schemathesis.check
def violations_are_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """As `negative_data_rejection`, except that a part of a form that is a file may have any bytes.

    Null that became a value of a type that the option allows, too, is no violation, either.
    """
    if case.meta is not None and case.media_type == "multipart/form-data":
        violation = f"{case.meta.phase.data.description} {case.meta.phase.data.mutations}"
        if "(was null, became" in violation:  # of an option that may be null or, for example, a number
            return None
        if re.search(r"\b(file|keypoints|labels|split|trim)\b", violation) and "options" not in violation:
            return None
    return negative_data_rejection(ctx, response, case)


@schemathesis.check
def deleted_builds_are_gone(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Until an equal request makes a build of the same id, which may fail: `use_after_free` does not expect that."""
    if case.method == "DELETE" and response.status_code == 204:
        after = requests.get(response.request.url, headers=response.request.headers, timeout=30)
        assert after.status_code == 404, after.text


@schemathesis.deserializer("application/json")
def parse_json(ctx: schemathesis.DeserializationContext, response: schemathesis.Response) -> Any:
    """A part of a JSON file is text. requests does not decode zstd."""
    if response.headers.get("content-encoding") == ["zstd"]:
        return json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(response.content))
    return response.text if response.status_code == 206 else response.json()


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _npz(array: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, keypoint=array, img_shape=[480, 640])
    return file.getvalue()


_SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 20), st.integers(2, 3))
_ARRAYS = arrays.arrays(np.float32, _SHAPES, elements=st.floats(-1000, 1000, width=32))
schemathesis.openapi.media_type("application/x-npy", _ARRAYS.map(_npy))
schemathesis.openapi.media_type("application/x-npz", _ARRAYS.map(_npz))

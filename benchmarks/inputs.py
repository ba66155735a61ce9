"""What is sent: a real signer's movement, as clips in map pixels and as the requests that carry them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import orjson

from benchmarks.load import Request
from benchmarks.servers import ROOT

Float32 = npt.NDArray[np.float32]

SIDE = 64
"""Side of the maps in pixels."""
FRAMES = 48
POINTS = 17
MANY = 64
"""Clips in the request of many."""

# MMAction2's own threshold; PYSKL's, heatsvc's default, is 1e-3.
KEYPOINTS: dict[str, Any] = {"type": "GeneratePoseTarget", "eps": 0.0001}
LIMBS: dict[str, Any] = {
    **KEYPOINTS,
    "with_kp": False,
    "with_limb": True,
    "skeletons": [
        [0, 1], [0, 2], [1, 3], [2, 4], [0, 5], [5, 7], [7, 9], [0, 6], [6, 8], [8, 10],
        [5, 11], [11, 13], [13, 15], [6, 12], [12, 14], [14, 16], [11, 12],
    ],
}  # fmt: skip

_POSES = ROOT / "tests" / "data" / "poses" / "ase_FIRE_wholebody133.npy"
_LEFT_SHOULDER, _LEFT_ELBOW, _LEFT_WRIST = 5, 7, 9
_LOWEST_SCORE = 0.05
_MARGIN = 3
_SAFETENSORS = "application/vnd.safetensors"
_BOUNDARY = b"a-line-that-no-npy-file-holds"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One person in map pixels, every point inside the map and with a score that both sides render.

    Attributes:
        keypoint: float32 [T, V, 2].
        keypoint_score: float32 [T, V].
    """

    keypoint: Float32
    keypoint_score: Float32

    def json_request(self, step: dict[str, Any], *, float64_digits: bool = False, dtype: str = "float32") -> Request:
        """The clip as a JSON request.

        Args:
            step: the pipeline's one step.
            float64_digits: numbers with the 17 digits of Python's `json.dumps(array.tolist())`, instead of the 7 or 8
                that identify a float32.
            dtype: of the response.
        """
        fields: dict[str, Any] = self._fields()
        if float64_digits:
            fields = {**fields, "keypoint": self.keypoint.tolist(), "keypoint_score": self.keypoint_score.tolist()}
        return _json(fields, step, dtype, accept="*/*")

    def npy_request(self, step: dict[str, Any], dtype: str | None = None, compression: str | None = None) -> Request:
        """The clip as an npy request, [T, V, 3]."""
        pipeline = quote(orjson.dumps([step]), safe="")
        query = f"img_shape={SIDE},{SIDE}&pipeline={pipeline}"
        query += "".join(
            f"&{name}={value}" for name, value in (("dtype", dtype), ("compression", compression)) if value
        )
        return Request(f"/heatmap?{query}", self.npy(), "application/x-npy")

    def array(self) -> Float32:
        """The clip as one array, [T, V, 3]."""
        return np.concatenate([self.keypoint, self.keypoint_score[..., None]], axis=-1)

    def npy(self) -> bytes:
        """The clip as an npy file, [T, V, 3]."""
        return npy_bytes(self.array())

    def _fields(self) -> dict[str, Any]:
        return {"keypoint": self.keypoint, "keypoint_score": self.keypoint_score, "img_shape": [SIDE, SIDE]}


def one_clip() -> Clip:
    """The clip of (a), (c) and (d): 48 frames from the middle of the sign."""
    return _cut(_person(), start=20)


def many_clips() -> list[Clip]:
    """The clips of (b): the same signer, each from another frame on and moved by another part of a pixel."""
    person = _person()
    clips = []
    for index in range(MANY):
        clip = _cut(person, start=index)
        clips.append(Clip(clip.keypoint + np.float32(index / MANY - 0.5), clip.keypoint_score))
    return clips


def many_json_request(clips: list[Clip], step: dict[str, Any], dtype: str = "float32") -> Request:
    """Many clips as one JSON request, named clip_00 and so on, with a response in safetensors."""
    fields = [{**clip._fields(), "frame_dir": f"clip_{index:02}"} for index, clip in enumerate(clips)]
    return _json({"clips": fields}, step, dtype, accept=_SAFETENSORS)


def many_form_request(clips: list[Clip], step: dict[str, Any]) -> Request:
    """The same clips as a form of .npy files."""
    options = orjson.dumps({"img_shape": [SIDE, SIDE], "pipeline": [step]})
    parts = [b'form-data; name="options"\r\n\r\n' + options]
    for index, clip in enumerate(clips):
        head = f'form-data; name="file"; filename="clip_{index:02}.npy"\r\nContent-Type: application/x-npy\r\n\r\n'
        parts.append(head.encode() + clip.npy())
    body = b"".join(b"--%s\r\nContent-Disposition: %s\r\n" % (_BOUNDARY, part) for part in parts)
    media_type = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
    return Request("/heatmap", body + b"--%s--\r\n" % _BOUNDARY, media_type, _SAFETENSORS)


def long_clip_request(frames: int = 432) -> Request:
    """All 133 keypoints in video pixels, rendered by `view` without content coding: 941 MB for 432 frames.

    The clip is repeated to `frames`, with a small shift each time.
    """
    sign = np.load(_POSES)
    parts = []
    for repeat in range(-(-frames // len(sign))):
        moved = sign.copy()
        moved[..., :2][sign[..., :2] != 0] += repeat
        parts.append(moved)
    body = npy_bytes(np.concatenate(parts)[:frames])
    return Request("/heatmap?img_shape=2400,1400&pipeline=view", body, "application/x-npy", accept_encoding="identity")


def npy_bytes(array: npt.NDArray[Any]) -> bytes:
    """The array as `np.save` writes it."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _json(fields: dict[str, Any], step: dict[str, Any], dtype: str, *, accept: str) -> Request:
    body = orjson.dumps({**fields, "pipeline": [step], "dtype": dtype}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Request("/heatmap", body, "application/json", accept)


def _person() -> Clip:
    """The signer's 17 body points over the whole sign, fitted into the map, with scores high enough for all.

    The left arm hangs out of the picture, and the estimator gave its wrist up in every frame: it is put where the
    forearm would go on straight from the upper arm, so that all 17 points are rendered.
    """
    body = np.load(_POSES)[:, :POINTS]
    points, score = body[..., :2].astype(np.float64), body[..., 2]
    points[:, _LEFT_WRIST] = 2 * points[:, _LEFT_ELBOW] - points[:, _LEFT_SHOULDER]
    low, high = points.min((0, 1)), points.max((0, 1))
    scale = (SIDE - 2 * _MARGIN) / (high - low).max()
    points = (points - (low + high) / 2) * scale + SIDE / 2
    return Clip(points.astype(np.float32), np.maximum(score, np.float32(_LOWEST_SCORE)))


def _cut(person: Clip, start: int) -> Clip:
    """FRAMES frames from `start` on, from the beginning again where the sign ends."""
    chosen = np.arange(start, start + FRAMES) % len(person.keypoint)
    return Clip(person.keypoint[chosen], person.keypoint_score[chosen])

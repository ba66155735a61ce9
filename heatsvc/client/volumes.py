"""Decodes the bodies of heatmap responses into arrays, which share the memory of the decoded body."""

from __future__ import annotations

import io
import math
import tokenize
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson
import zstandard

from heatsvc.client.errors import InvalidResponseError

Volume = npt.NDArray[Any]
TensorKind = Literal["numpy", "torch"]

NPY = "application/x-npy"
SAFETENSORS = "application/vnd.safetensors"
CODING = "zstd"
"""The content coding that the client accepts."""

_BLOCK_BYTES = 8 << 20
# A header of npy has 128 bytes, one of safetensors about a hundred for each clip.
_MAX_NPY_HEADER, _MAX_HEADER = 10_000, 100 << 20
_DTYPES = {"F32": np.float32, "F16": np.float16, "U8": np.uint8, "I16": np.int16}


def decode_content(body: bytes, coding: str, max_bytes: int) -> npt.NDArray[np.uint8]:
    """Decode a body into writable bytes.

    zstd is decoded in one call, since decoding small chunks takes about ten times as long.

    Args:
        body: as it was received.
        coding: its `Content-Encoding`, "" or ``identity`` if it is not coded.
        max_bytes: largest decoded size.

    Raises:
        InvalidResponseError: it is larger, cut short or damaged, or has a coding that was not requested.
    """
    if coding in ("", "identity"):
        _check_size(len(body), max_bytes)
        return np.frombuffer(bytearray(body), np.uint8)
    if coding != CODING:
        raise InvalidResponseError(f"the response has the content coding {coding!r:.60}, which was not requested")
    try:
        size = zstandard.frame_content_size(body)
        _check_size(size, max_bytes)
        if size < 0:
            return _decode_unknown_size(body, max_bytes)
        content = np.empty(size, np.uint8)
        with zstandard.ZstdDecompressor().stream_reader(body, read_size=len(body)) as reader:
            is_complete = reader.readinto(content.data) == size and not reader.read(1)
    except zstandard.ZstdError as error:
        raise InvalidResponseError(f"the response is cut short or damaged: {error}") from None
    if not is_complete:
        raise InvalidResponseError(f"the response is cut short or damaged: it should have {size:,} bytes")
    return content


def _decode_unknown_size(body: bytes, max_bytes: int) -> npt.NDArray[np.uint8]:
    """Decode a zstd frame that does not declare its size, which a service without compiled kernels may send."""
    content = bytearray()
    with zstandard.ZstdDecompressor().stream_reader(body, read_size=len(body)) as reader:
        while block := reader.read(_BLOCK_BYTES):
            content += block
            _check_size(len(content), max_bytes)
    # If the frame is cut short, there are too few bytes for its array, which is found later.
    return np.frombuffer(content, np.uint8)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise InvalidResponseError(
            f"the response has {size:,} bytes when decoded, more than max_volume_bytes={max_bytes:,} of the client"
        )


def read_npy(content: npt.NDArray[np.uint8]) -> Volume:
    """The array of an npy file, in the same memory.

    Raises:
        InvalidResponseError: it is no npy file, or an incomplete one.
    """
    head = io.BytesIO(content[:_MAX_NPY_HEADER].tobytes())
    try:
        version = np.lib.format.read_magic(head)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read_header(head)
    # All that Python's parser may raise for a header that is no expression, or too deep a one.
    except (ValueError, EOFError, tokenize.TokenError, MemoryError, RecursionError) as error:
        raise InvalidResponseError(f"the response is no npy file: {error}") from None
    if is_fortran or dtype not in _DTYPES.values():
        raise InvalidResponseError("the response is an npy file of another order or type than heatmaps have")
    return _view(content[head.tell() :], dtype, shape)


def read_safetensors(content: npt.NDArray[np.uint8]) -> dict[str, Volume]:
    """The arrays of a safetensors file by name, in the order of the file and in the same memory.

    Raises:
        InvalidResponseError: it is no safetensors file, or an incomplete one.
    """
    length = int.from_bytes(content[:8].tobytes(), "little")
    if len(content) < 8 or length > min(_MAX_HEADER, len(content) - 8):
        raise InvalidResponseError("the response is no safetensors file, or is cut short")
    data = content[8 + length :]
    volumes: dict[str, Volume] = {}
    end = 0
    try:
        header = orjson.loads(content[8 : 8 + length].tobytes())
        for name, tensor in header.items():
            if name != "__metadata__":
                previous_end = end
                begin, end = tensor["data_offsets"]
                if begin != previous_end:
                    raise InvalidResponseError("the response is a safetensors file whose tensors overlap or have gaps")
                if not begin <= end <= len(data):
                    raise InvalidResponseError("the response is cut short: not all of its tensors are there")
                volumes[name] = _view(data[begin:end], np.dtype(_DTYPES[tensor["dtype"]]), tensor["shape"])
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        raise InvalidResponseError("the response is a safetensors file with a header that cannot be read") from None
    return volumes


def _view(data: npt.NDArray[np.uint8], dtype: np.dtype[Any], shape: tuple[int, ...]) -> Volume:
    if min(shape, default=0) < 0 or len(data) != math.prod(shape) * dtype.itemsize:
        raise InvalidResponseError(
            f"the response is cut short or damaged: {len(data):,} bytes are not {dtype} of {tuple(shape)}"
        )
    try:
        return data.view(dtype).reshape(shape)
    except (TypeError, ValueError, OverflowError):
        raise InvalidResponseError(f"the response is damaged: no array has the shape {tuple(shape)}") from None


def check_tensor_kind(tensor: str) -> None:
    """Check the argument `tensor` before anything is sent.

    Raises:
        ValueError: it has another value.
        ModuleNotFoundError: PyTorch is not installed.
    """
    if tensor not in ("numpy", "torch"):
        raise ValueError(f"tensor must be 'numpy' or 'torch', not {tensor!r:.60}")
    if tensor == "torch":
        from heatsvc.render.tensors import check_pytorch

        check_pytorch()


def as_tensor(volume: Volume, tensor: TensorKind) -> Any:
    """The array itself, or a `torch.Tensor` that shares its memory."""
    if tensor == "numpy":
        return volume
    import torch

    return torch.from_numpy(volume)

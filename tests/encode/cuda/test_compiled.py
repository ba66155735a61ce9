"""The kernels as a GPU gets them: compiled here for one that need not be there, and run where there is one."""

from __future__ import annotations

import torch

from tests.render.cuda.test_compiled import run_compiled

COMPILE = """
import re
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from heatsvc.encode.cuda import triton_kernels as kernels
from heatsvc.encode.cuda.deflate_codes import deflate_codes

codes = deflate_codes()
lengths = {"fill_bits": codes.fill_bits, "longest_bits": codes.longest_bits}
types = {"rendered": "*u8", "out": "*u8", "start": "*u8", "length": "*u8", "literals": "*i32", "matches": "*i32",
         "header": "*i32", "words": "*i32", "first_program": "i32", "count": "i32", "steps": "i32", "records": "i32"}

def compiled(kernel, constants, **own):
    signature = {name: "constexpr" if name in constants else own.get(name, types.get(name, "*i64"))
                 for name in kernel.arg_names}
    aligned = {(place,): [["tt.divisibility", 16]] for place, kind in enumerate(signature.values()) if kind[0] == "*"}
    source = ASTSource(kernel, signature, constexprs=constants, attrs=aligned)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    found = set(re.findall(r"ld\\.global\\.v\\d\\.b\\d+|atom\\.global\\.\\S*|[sl][td]\\.local", made))
    print(kernel.__name__, *sorted(found))

for size, pixels in ((4, "*i32"), (2, "*i16"), (1, "*u8")):
    compiled(kernels.find_extents, {"itemsize": size, "alignment": 16, "part": 32, "block": 128}, pixels=pixels)
for deflate in (False, True):
    compiled(kernels.measure_records, {"deflate": deflate, **lengths, "part": 32, "block": 64})
compiled(kernels.write_zstd, {"block": 64}, length="*i64")
compiled(kernels.write_deflate, {"fill_code": codes.fill_code, **lengths, "many": codes.many,
                                 "many_code": codes.many_code, "block": 64}, length="*i64")
compiled(kernels.write_ends, {"header_bytes": len(codes.header), "end_code": codes.end_code, "width": 64})
"""

ON_GPU = """
import numpy as np
import torch
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.render.cuda import render_batch
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.job import PlannedVolume
from heatsvc.encode.cuda import encode_batch
from tests.encode.cuda.decoding import decoded
from tests.golden import GOLDEN, golden_volume, load_golden, tolerance

cases = [load_golden(name) for name in GOLDEN if name != "potion"] * 3
types = ["float32", "float16", "uint8"]
volumes = [PlannedVolume.plan(case.name, golden_volume(case), types[place % 3], CODINGS["zstd"])
           for place, case in enumerate(cases)]
for coding in ("zstd", "deflate"):
    for method in ("triton", "torch"):
        chunks = encode_batch(volumes, coding, "cuda", bounds=DEFAULT_BOUNDS, method=method)
        for case, planned, chunk in zip(cases, volumes, chunks, strict=True):
            [rendered] = render_batch([planned.volume], planned.dtype, "cuda", method=method)
            assert decoded([chunk], coding) == rendered.cpu().numpy().tobytes(), (case.name, coding, method)
            [alone] = encode_batch([planned], coding, "cuda", bounds=DEFAULT_BOUNDS, method=method)
            assert alone == chunk, (case.name, coding, method)
            if planned.dtype == "float32":
                np.testing.assert_allclose(rendered.cpu().numpy(), case.imgs, rtol=0, atol=tolerance(case))
        dense = b"".join(decoded([chunk], coding) for chunk in chunks)
        assert decoded(chunks, coding) == dense
other = torch.cuda.Stream()
with torch.cuda.stream(other):
    [first] = encode_batch(volumes[:1], "zstd", "cuda", bounds=DEFAULT_BOUNDS)
[again] = encode_batch(volumes[:1], "zstd", "cuda", bounds=DEFAULT_BOUNDS)
assert first == again
print("coded")
"""


def test_kernels_compile_for_a_gpu() -> None:
    """Pixels of every type are read 16 bytes at a time; only codes, which share words, are written by atomics."""
    assert run_compiled(COMPILE).splitlines() == [
        *["find_extents ld.global.v4.b32"] * 3,
        *["measure_records"] * 2,
        "write_zstd",
        *[f"{kernel} atom.global.gpu.relaxed.or.b32" for kernel in ("write_deflate", "write_ends")],
    ]


if torch.cuda.is_available():

    def test_a_gpu_codes_the_golden_files() -> None:
        assert run_compiled(ON_GPU) == "coded\n"

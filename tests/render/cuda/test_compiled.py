"""The kernels as a GPU gets them: compiled here for one that need not be there, and run where there is one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import torch

COMPILE = """
import re
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from heatsvc.render.cuda import triton_kernels

pointers = {"blocks": "*i64", "volumes": "*i64", "gaussians": "*fp64", "starts": "*i64", "segments": "*u8",
            "boxes": "*i32", "numbers": "*fp64"}
shape = {"rows": 32, "columns": 64, "alignment": 16}
for kernel, scalars, constants in (
    (triton_kernels.render_keypoints, {}, {**shape, "plain": True}),
    (triton_kernels.render_keypoints, {}, {**shape, "plain": False}),
    (triton_kernels.render_segments, {"cut": "fp32"}, shape),
):
    for out in ("fp32", "fp16", "bf16", "u8"):
        signature = {**pointers, "out": "*" + out, "count": "i32", **scalars, **dict.fromkeys(constants, "constexpr")}
        aligned = {(place,): [["tt.divisibility", 16]] for place in range(len(pointers) + 1)}
        source = ASTSource(kernel, signature, constexprs=constants, attrs=aligned)
        made = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        asm = made.asm["ptx"]
        found = re.findall(r"st\\.global\\.v?\\d*|cvt\\.rn\\.b?f16", asm)
        found += ["add.f32 12582912"] * asm.count("0f4B400000")
        print(kernel.__name__, out, *sorted(set(found)), sep=", ")
"""

ON_GPU = """
import numpy as np
import torch
from heatsvc.render.array import render_array
from heatsvc.render.cuda import render_batch
from tests.golden import GOLDEN, golden_volume, load_golden, tolerance

cases = [load_golden(name) for name in GOLDEN if name != "potion"]
volumes = [golden_volume(case) for case in cases]
for method in ("triton", "torch"):
    for case, rendered in zip(cases, render_batch(volumes, device="cuda", method=method), strict=True):
        np.testing.assert_allclose(rendered.cpu().numpy(), case.imgs, rtol=0, atol=tolerance(case))
    for volume, rendered in zip(volumes, render_batch(volumes, "uint8", "cuda", method=method), strict=True):
        assert np.abs(rendered.cpu().numpy().astype(int) - render_array(volume, "uint8")).max() <= 1
print("rendered")
"""


def run_compiled(code: str) -> str:
    """Run code in a process of its own, whose Triton compiles."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kernels_compile_for_a_gpu() -> None:
    """Several pixels to a store, of 64 or 128 bits, none alone beside; smaller types rounded to nearest, not cut."""
    vectors = {"fp32": "v4", "fp16": "v4", "bf16": "v4", "u8": "v[24]"}
    rounding = {"fp32": "", "fp16": "cvt.rn.f16, ", "bf16": "cvt.rn.bf16, ", "u8": "add.f32 12582912, "}
    lines = run_compiled(COMPILE).splitlines()
    assert len(lines) == 12
    for line in lines:
        _, out, made = line.split(", ", 2)
        assert re.fullmatch(rf"{rounding[out]}st\.global\.{vectors[out]}", made), line


if torch.cuda.is_available():

    def test_a_gpu_renders_the_golden_files() -> None:
        assert run_compiled(ON_GPU) == "rendered\n"


def test_without_the_interpreter_triton_does_not_render_on_the_cpu() -> None:
    code = (
        "from heatsvc.render.cuda import render_batch\n"
        "assert render_batch([]) == []\n"
        "try:\n    render_batch([], method='triton')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    assert "Triton does not run on" in run_compiled(code)

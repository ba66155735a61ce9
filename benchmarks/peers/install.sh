#!/bin/sh
# Makes benchmarks/peers/.venv with the pinned packages. Does nothing where that is already done. Needs Python 3.11 or
# 3.12, the last that NumPy 1.26 has wheels for; PYTHON= names another interpreter.
set -eu
cd "$(dirname "$0")"

if cmp -s requirements.txt .venv/installed.txt; then
    exit 0
fi
rm -rf .venv
"${PYTHON:-python3}" -m venv .venv
# torch first and with its dependencies, for they depend on the build that this machine gets. The rest as listed and
# nothing more: MMAction2's own metadata asks for packages that its transforms never import, among them an OpenCV with
# windows, and names no versions.
.venv/bin/pip install --quiet --disable-pip-version-check --constraint requirements.txt torch
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.txt
.venv/bin/python -c 'from mmaction.datasets.transforms.pose_transforms import GeneratePoseTarget'
cp requirements.txt .venv/installed.txt

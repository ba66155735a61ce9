"""Names of an archive's members: which are keypoint files, and which lead out of it."""

from __future__ import annotations

from heatsvc.pose.clip import PoseError

EXTENSIONS = (".npy", ".npz", ".pose", ".json", ".zip", ".pkl", ".pickle")
"""Of keypoint files. Others beside them (a README, the videos) are left alone."""


def is_keypoints(name: str) -> bool:
    """Whether a file is to be read, by its name; what desktops hide is not."""
    if not name.lower().endswith(EXTENSIONS):
        return False
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith(".")


def check_member(name: str, file: str) -> str:
    """A member's name with ``/`` between folders.

    Raises:
        PoseError: absolute, with a drive, or leading upwards.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise PoseError(f"the archive's member {name!a:.80} leads out of it: names must be relative", file=file)
    return "/".join(part for part in parts if part != ".")

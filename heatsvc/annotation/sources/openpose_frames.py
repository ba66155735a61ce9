"""OpenPose's frame files, as `--write_json` leaves them: those of one video become one clip."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from heatsvc.annotation.sources.keypoint_file import KeypointFile

# 02_output.md of OpenPose: <video>_<frame, 12 digits>_keypoints.json
_FRAME = re.compile(r"(?:(?P<video>.*)_)?(?P<number>\d{12})_keypoints\.json", re.IGNORECASE | re.DOTALL)


def join_frames(files: Sequence[KeypointFile], container: str) -> list[KeypointFile]:
    """The files, those of a video's frames as one, named after the video, or after their folder where they do not say.

    Args:
        files: of one folder tree or archive.
        container: what to call frames that have neither.
    """
    joined: dict[str, list[tuple[int, KeypointFile]]] = defaultdict(list)
    others = []
    for file in files:
        folder, _, name = file.name.rpartition("/")
        frame = _FRAME.fullmatch(name)
        if frame is None:
            others.append(file)
            continue
        video = frame["video"]
        clip = "/".join(part for part in (folder, video) if part) if video else folder or container
        joined[clip].append((int(frame["number"]), file))
    for clip, frames in joined.items():
        ordered = tuple(file for _, file in sorted(frames, key=lambda pair: (pair[0], pair[1].name)))
        others.append(KeypointFile(clip, frames=ordered))
    return others

"""Attempts count those that came no further than an earlier one."""

from __future__ import annotations

from heatsvc.annotation.progress import Progress
from heatsvc.jobs.attempts import Attempts


def test_attempts_that_come_further_start_the_count_again():
    attempts = Attempts().next(Progress("waiting"))
    assert attempts.number == 1
    for files in (5, 9, 200):
        attempts = attempts.next(Progress("keypoints", files_read=files))
        assert attempts.number == 1
    attempts = attempts.next(Progress("writing", files_read=200, clips_written=10))
    assert attempts.number == 1


def test_attempts_that_come_no_further_count():
    attempts = Attempts().next(Progress("keypoints", files_read=50))
    for number, files in enumerate((50, 0, 49, 50), start=2):
        attempts = attempts.next(Progress("keypoints", files_read=files))
        assert attempts.number == number
    # What was read again is not new: the farthest that any came is what counts.
    assert attempts.next(Progress("labels")).next(Progress("keypoints", files_read=50)).number == 7

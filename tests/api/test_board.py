"""What serving processes have in common: seats on a board, and counts that are added up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from heatsvc.api.board import ROOM, SEAT, Board, Seat
from heatsvc.api.metrics import STAGES, Metrics


@pytest.fixture
def board() -> Board:
    return Board(2)


def told(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a Prometheus server reads."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(metrics: Metrics) -> dict[str, float]:
    """Requests by route."""
    return {dict(labels)["route"]: value for (name, labels), value in told(metrics).items() if name == TOTAL}


TOTAL = "heatsvc_requests_total"


def worker(seat: Seat) -> Metrics:
    """The metrics of a process that sits there."""
    seat.take()
    return Metrics(seat)


def test_a_seat_is_empty_at_first_and_keeps_what_was_written_last(board: Board):
    seat = board.seat(0)
    assert seat.read() == b""
    for content in (b"a", b"bcd", b""):
        assert seat.write(content)
        assert seat.read() == content
    assert board.seat(1).read() == b""


@given(st.lists(st.binary(max_size=100)))
def test_seats_do_not_touch_each_other(contents: list[bytes]):
    board = Board(3)
    for seat in board:
        seat.write(b"%d" % seat.number)
    for content in contents:
        board.seat(1).write(content)
    assert [seat.read() for seat in board] == [b"0", contents[-1] if contents else b"1", b"2"]


def test_as_much_as_there_is_room_for_and_no_more(board: Board):
    seat = board.seat(0)
    assert seat.write(b"x" * ROOM)
    assert not seat.write(b"y" * (ROOM + 1))
    assert seat.read() == b"x" * ROOM


@pytest.mark.parametrize("written", [b"", b"thi", b"third!"])
def test_who_is_killed_while_writing_leaves_what_was_there(written: bytes, board: Board):
    memory = bytearray(SEAT)
    seat = Seat(board, 0, memoryview(memory))
    seat.write(b"first")
    seat.write(b"second")
    place = memory.find(b"first")  # where the next would be written, up to its death
    memory[place : place + len(written)] = written
    assert seat.read() == b"second"
    seat.write(b"fourth")
    assert seat.read() == b"fourth"


def test_what_is_broken_is_not_read(board: Board):
    memory = bytearray(SEAT)
    seat = Seat(board, 0, memoryview(memory))
    seat.write(b"first")
    seat.write(b"second")
    memory[memory.find(b"second")] ^= 1
    assert seat.read() == b"first"


def test_a_forked_process_writes_for_its_parent(board: Board):
    pid = os.fork()
    if not pid:
        board.seat(1).take()
        board.seat(1).write(b"from the child")
        os._exit(0)
    os.waitpid(pid, 0)
    assert (board.seat(1).pid, board.seat(1).read()) == (pid, b"from the child")


def test_counts_add_up_whoever_is_asked(board: Board):
    first, second = map(worker, board)
    first.count_request("GET", "/a", 200, 0.002)
    for seconds in (0.002, 5.0):
        second.count_request("GET", "/a", 200, seconds)
    second.count_request("GET", "/b", 404, 0.1)
    second.count_heatmaps(3, 100, 1000, [0.1] * len(STAGES))
    second.publish()
    first.publish()
    for asked in (first, second):
        assert requests(asked) == {"/a": 3.0, "/b": 1.0}
        all_told = told(asked)
        assert all_told["heatsvc_clips_drawn_total", ()] == 3.0
        assert all_told["heatsvc_request_seconds_sum", (("route", "/a"),)] == pytest.approx(5.004)
        bucket = "heatsvc_request_seconds_bucket"
        assert all_told[bucket, (("le", "0.003"), ("route", "/a"))] == 2.0
        assert all_told[bucket, (("le", "+Inf"), ("route", "/a"))] == 3.0


def test_gauges_add_up_while_their_process_lives(board: Board):
    first, second = map(worker, board)
    first.in_flight, second.in_flight = 1, 2
    second.publish()
    assert told(first)["heatsvc_in_flight", ()] == 3.0
    board.seat(1).leave()
    assert told(first)["heatsvc_in_flight", ()] == 1.0


def test_what_was_told_never_becomes_less(board: Board):
    first, second = map(worker, board)
    for _ in range(2):
        second.count_request("GET", "/a", 200, 0.1)
    second.in_flight = 1
    assert requests(second) == {"/a": 2.0}  # by which the others know, too
    board.seat(1).leave()
    assert requests(first) == {"/a": 2.0}
    heir = worker(board.seat(1))
    assert requests(first) == {"/a": 2.0}
    assert told(first)["heatsvc_in_flight", ()] == 0.0
    heir.count_request("GET", "/a", 200, 0.1)
    assert requests(heir) == {"/a": 3.0}
    board.seat(1).leave()
    assert requests(worker(board.seat(1))) == {"/a": 3.0}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_processes_are_told_apart(board: Board):
    first = worker(board.seat(0))
    assert told(first)["process_open_fds", (("worker", "0"),)] > 0
    assert ("process_open_fds", (("worker", "1"),)) not in told(first)


def test_one_that_is_alone_tells_the_same_without_a_board():
    alone = Metrics()
    alone.count_request("GET", "/a", 200, 0.1)
    alone.publish()  # nothing happens
    assert requests(alone) == {"/a": 1.0}
    assert ("process_open_fds", ()) in told(alone)

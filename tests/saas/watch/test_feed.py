"""The queue and its thread: requests wait for nothing, and one odd line ends nothing."""

import logging
import time
from threading import Thread

import pytest

from saas.watch.detectors import Detector
from saas.watch.feed import LATE, MOST, Watch
from saas.watch.lines import Hit, principal_of
from saas.watch.tallies import MemoryTallies
from tests.saas.persistence.test_worker import wait_until

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-05")]


class Three(Detector):
    """Three lines of one principal within a minute."""

    kind = "house.burning"
    means = "Smoke was seen."
    window = 60
    threshold = 3
    playbook = "none"

    def hits(self, line):
        if line["operation_id"] == "boom":
            raise ValueError("an odd line")
        yield Hit(principal_of(line))


def watch_for(heard, **options):
    """A watch with that one detector, and a memory of its own."""
    given = {"found": [Three()], "store": MemoryTallies(), "tell": heard.append, "live": False}
    return Watch(**given | options)


def play(watch, lines):
    """Hand lines over, and judge them at once."""
    for line in lines:
        watch(line)
    watch.drain()


def test_what_rang_is_told_once_in_a_window_by_all_processes(scene, found):
    store = MemoryTallies()
    one, other = watch_for(found, store=store), watch_for(found, store=store)
    play(one, [scene.line(), scene.line()])
    assert found == []
    play(other, [scene.line()])
    [finding] = found
    assert (finding.count, finding.subject.name) == (3, scene.principal)
    play(one, [scene.line() for _ in range(50)])
    assert len(found) == 1


def test_a_late_or_future_line_counts_now_and_not_where_it_says(scene, found):
    watch = watch_for(found)
    play(watch, [scene.line(at=-LATE - 900), scene.line(at=86_400), scene.line()])
    assert len(found) == 1


def test_a_recorded_stream_is_judged_by_its_own_clock(scene, watching, found):
    watching([scene.line(at=n * 70 - 86_400) for n in range(20)], found=[Three()])
    assert found == []
    watching([scene.line(at=n * 10 - 90_000) for n in range(4)], found=[Three()])
    assert len(found) == 1


def test_one_odd_line_hides_nothing_that_comes_with_it(scene, found, caplog):
    class Other(Three):
        kind = "house.flooded"

        def hits(self, line):
            yield Hit(principal_of(line))

    watch = watch_for(found, found=[Three(), Other()])
    with caplog.at_level(logging.ERROR, "saas.watch"):
        for _ in range(3):
            play(watch, [scene.line(operation_id="boom"), scene.line()])
    assert {finding.detector.kind for finding in found} == {"house.burning", "house.flooded"}
    assert len([record for record in caplog.records if record.name == "saas.watch"]) == 1


def test_what_cannot_be_told_stays_owed_until_it_can(scene, found):
    def telling(finding):
        if down:
            raise OSError("the database is gone")
        found.append(finding)

    down = True
    watch = watch_for(found, tell=telling)
    play(watch, [scene.line() for _ in range(3)])
    watch.drain()
    assert found == []
    down = False
    watch.drain()
    assert len(found) == 1


def test_a_full_queue_drops_says_so_and_makes_nobody_wait(scene, found, caplog):
    watch = watch_for(found)
    line = scene.line()
    for _ in range(MOST + 7):
        watch(line)
    assert (len(watch.lines), watch.dropped) == (MOST, 7)
    with caplog.at_level(logging.WARNING, "saas.watch"):
        watch.drain()
    assert "dropped 7 lines" in caplog.text


def test_what_comes_while_it_judges_waits_for_the_next_look(scene, found):
    class Busy(Three):
        def hits(self, line):
            watch(scene.line())  # one more request is answered for each line that is judged
            return iter(())

    watch = watch_for(found, found=[Busy()])
    play(watch, [scene.line() for _ in range(3)])
    assert len(watch.lines) == 3


def test_the_thread_starts_at_the_first_line_and_survives_what_it_meets(scene, found):
    watch = watch_for(found, live=True)
    watch._look = told_to_fail_once(watch)
    watch(scene.line(operation_id="boom"))
    for _ in range(2):
        watch(scene.line(at=0.001))
    wait_until(lambda: not watch.lines, 10)
    watch(scene.line(operation_id="boom"))
    wait_until(lambda: not watch.lines, 10)
    play_later = [scene.line() for _ in range(3)]
    for line in play_later:
        watch(line)
    wait_until(lambda: found, 10)


def told_to_fail_once(watch):
    """Its look, which meets a fault of the watch itself at first."""
    real, judge, times = watch._look, watch.judge, []

    def judging(*args):
        times.append(1)
        if len(times) == 1:
            raise RuntimeError("a fault of our own")
        return judge(*args)

    watch.judge = judging
    return real


def test_a_line_costs_a_request_a_few_microseconds(scene, found):
    watch = watch_for(found)
    line = scene.line()
    started = time.thread_time()  # of this thread: others may be at work on this machine
    for _ in range(10_000):
        watch(line)
    each = (time.thread_time() - started) / 10_000
    assert each < 50e-6  # about 0.2 on a quiet machine


def test_many_threads_hand_over_every_line(scene, found):
    watch = watch_for(found)
    line = scene.line()
    threads = [Thread(target=lambda: [watch(line) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(watch.lines) == 4000

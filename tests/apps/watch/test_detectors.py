"""Every detector rings once for its attack, and keeps silent for what comes close (R-27)."""

import pytest

from saas.watch.detectors import Detector, detectors

pytestmark = [
    pytest.mark.core,
    pytest.mark.practice("LOG-05"),
    pytest.mark.practice("LOG-06"),
    pytest.mark.practice("LOG-07"),
    pytest.mark.practice("LOG-08"),
    pytest.mark.practice("LOG-09"),
    pytest.mark.practice("LOG-10"),
    pytest.mark.practice("LOG-11"),
    pytest.mark.practice("LOG-12"),
]

each_detector = pytest.mark.parametrize("kind", sorted(detectors()))


@each_detector
def test_an_attack_rings_once(kind, scene, watching):
    detector = detectors()[kind]
    found = watching(detector.before(scene) + detector.simulate(scene), found=[detector])
    assert [finding.detector.kind for finding in found] == [kind]
    assert found[0].request_ids


@each_detector
def test_what_comes_close_is_silent(kind, scene, watching):
    detector = detectors()[kind]
    assert watching(detector.before(scene) + detector.benign(scene)) == []


@each_detector
def test_it_says_what_it_means_and_what_to_do(kind):
    detector = detectors()[kind]
    assert isinstance(detector, Detector)
    assert detector.kind.count(".") == 1
    assert detector.means.endswith(".")
    assert detector.playbook

"""The settings of the server that is attacked: its processes exchange their scores."""

from tests.attacks.settings import *  # noqa: F403

SAAS_RISK = {"beat": 0.5}

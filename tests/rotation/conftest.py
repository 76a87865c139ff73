"""The drill changes what these modules keep too: who takes one of them away takes its act away."""

from importlib.util import find_spec

NEEDED = ("apps.checkpoints", "apps.recovery", "saas.authentication.oidc")
collect_ignore = [] if all(map(find_spec, NEEDED)) else ["test_rotation.py"]

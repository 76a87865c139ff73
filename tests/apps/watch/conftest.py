"""The same scenes, played with the product's own routes and roles."""

from tests.saas.watch.conftest import found as found
from tests.saas.watch.conftest import scene as scene
from tests.saas.watch.conftest import watching as watching

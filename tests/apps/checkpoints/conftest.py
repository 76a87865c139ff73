"""A folder for the lines, outside the database."""

import pytest


@pytest.fixture
def folder(settings, tmp_path):
    """Where the lines go; there is one for every four entries."""
    settings.SAAS_CHECKPOINT_DIR, settings.SAAS_CHECKPOINT_ENTRIES = str(tmp_path), 4
    return tmp_path

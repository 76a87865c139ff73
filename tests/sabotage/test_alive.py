"""What works under every sabotage: if it does not, the change broke more than its protection."""

import pytest

pytestmark = [pytest.mark.core, pytest.mark.usefixtures("undocumented")]


def test_an_ordinary_request_still_succeeds(acme):
    made = acme.owner.post("customers", {"name": "Initech", "country": "DE"})
    assert made.status_code == 201, made.content
    read = acme.owner.get(f"customers/{made.json()['id']}")
    assert read.status_code == 200, read.content
    assert read.json()["name"] == "Initech"

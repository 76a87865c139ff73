"""The commands of the playbooks work, in their order: nobody repairs a command at three at night."""

import shlex

import pytest
from django.core.management import call_command

from tests.architecture.test_chapters import asked, blocks, promised
from tests.architecture.test_chapters import demo as demo
from tests.practices import ROOT

pytestmark = [pytest.mark.practice("LOG-13")]

PAGES = sorted((ROOT / "docs" / "playbooks").glob("*.md"))
MANAGE = ".venv/bin/python manage.py "


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_each_command_works_in_its_place(page, demo, settings):
    settings.SAAS_OPERATORS = ["operators@strongroom.example"]
    answers = {answer.command: answer for answer in promised(page)}
    commands = [line for block in blocks(page, "sh") for line in block.content.splitlines()]
    assert commands
    for command in commands:
        if command.startswith(MANAGE):
            call_command(*shlex.split(command.removeprefix(MANAGE)))
        else:
            answer = answers[command.partition("  #")[0]]
            response = asked(answer.command, demo)
            assert response.status_code == answer.status, (command, response.content)
            if answer.code:
                assert response.json()["code"] == answer.code

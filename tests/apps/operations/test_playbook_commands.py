"""The commands of the playbooks work, in their order: nobody repairs a command at three at night."""

import shlex
from io import StringIO
from string import Template

import pytest
from django.core.management import call_command, get_commands

from tests.architecture.test_chapters import asked, blocks, promised
from tests.architecture.test_chapters import demo as demo
from tests.practices import ROOT

pytestmark = [pytest.mark.practice("LOG-13")]

PAGES = [  # what stands as `console` acts on machines and networks that no test has
    page for page in sorted((ROOT / "docs" / "playbooks").glob("*.md")) if blocks(page, "sh")
]
MANAGE = ".venv/bin/python manage.py "


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_each_command_works_in_its_place(page, demo, settings, monkeypatch):
    settings.SAAS_OPERATORS = ["operators@strongroom.example"]
    answers = {answer.command: answer for answer in promised(page)}
    commands = [line for block in blocks(page, "sh") for line in block.content.splitlines()]
    assert commands
    for command in commands:
        typed, _, managed = command.rpartition(" | ")
        if managed.startswith(MANAGE):
            known = Template(managed.removeprefix(MANAGE)).substitute(demo)
            if typed:
                secret = shlex.split(Template(typed).substitute(demo))[-1]
                monkeypatch.setattr("sys.stdin", StringIO(f"{secret}\n"))
            name, *words = shlex.split(known)
            if name not in get_commands():
                pytest.skip(f"{name} is of a module that is not here")
            call_command(name, *words)
        else:
            answer = answers[command.partition("  #")[0]]
            response = asked(answer.command, demo)
            assert response.status_code == answer.status, (command, response.content)
            if answer.code:
                assert response.json()["code"] == answer.code

"""The image and the composition of production, held to their rules as far as no engine is needed."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.management import get_commands

from tests.conformance.server import serving
from tests.deployment import throwaway
from tests.practices import ROOT

pytestmark = pytest.mark.practice("OPS-05")

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("web", "worker", "migrate")
SECRET = re.compile(r"SECRET|PASSWORD|PEPPER|KEK|KEYS?$|KEYS?_|_URL")
CA = "?sslmode=verify-full&sslrootcert=/run/secrets/ca"
GIVEN = {
    "STRONGROOM_HOST": "api.strongroom.example",
    "EMAIL_HOST": "mail.strongroom.example",
    "NGINX_IMAGE": "nginx@sha256:0",
    "POSTGRES_IMAGE": "postgres@sha256:0",
    "REDIS_IMAGE": "redis@sha256:0",
    "STRONGROOM_IMAGE": "strongroom@sha256:0",
}

each_service = pytest.mark.parametrize("name", SERVICES)


class Step(NamedTuple):
    """An instruction of a Dockerfile and its words."""

    word: str
    rest: str


def steps() -> list[list[Step]]:
    """The instructions of each stage; those before the first stage stand alone."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    stages: list[list[Step]] = [[]]
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append(Step(word, rest.strip()))
    return stages


def copied_by(stage: list[Step], tree: Path) -> None:
    """Do what COPY does, from the project into `tree`."""
    for step in stage:
        if step.word == "COPY" and "/app" in step.rest:
            source, target = shlex.split(step.rest)
            place = tree / target.removeprefix("/app").strip("/")
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, place, ignore=ignored)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)


def filled(value: Any) -> str:
    """A value of the composition, with the variables that its operator sets."""
    return re.sub(r"\$\{(\w+)(?::[-?][^}]*)?\}", lambda found: GIVEN.get(found[1], ""), str(value))


def test_every_base_is_a_digest_and_the_build_ends_without_one():
    before, build, bare, final = steps()
    assert [(step.word, step.rest) for step in before] == [("ARG", "PYTHON_IMAGE")]  # no default
    assert [stage[0].rest.partition(" ")[0] for stage in (build, bare, final)] == [
        "${PYTHON_IMAGE}",
        "${PYTHON_IMAGE}",
        "scratch",
    ]
    guard = next(step.rest for step in build if step.word == "RUN")
    for image, code in (("python:3.13-slim", 1), ("", 1), ("python:3.13@sha256:abc", 0)):
        run = ["sh", "-c", guard]
        ended = subprocess.run(run, env=os.environ | {"PYTHON_IMAGE": image}, capture_output=True)
        assert ended.returncode == code, image
    for name, service in SERVICES.items():
        assert re.match(r"\$\{[A-Z]+_IMAGE:\?with its digest\}$", service["image"]), name


def test_the_image_runs_as_nobody_without_shell_or_compiler():
    _, build, bare, final = steps()
    said = {step.word: step.rest for step in final}
    uid, gid = map(int, said["USER"].split(":"))
    assert min(uid, gid) >= 10_000
    assert all(SERVICES[name]["user"] == said["USER"] for name in OURS)
    for word in ("CMD", "HEALTHCHECK"):
        command = json.loads(said[word][said[word].index("[") :])
        assert command[0] == "python", word  # a string would want a shell
    assert not [step for step in final if step.word in ("RUN", "ADD", "ENTRYPOINT", "SHELL")]
    copies = [step.rest for step in final if step.word == "COPY"]
    assert all(copy.startswith("--from=") for copy in copies)
    stripped = bare[-1].rest
    for program in ("/bin/sh", "/usr/bin/sh", "/bin/bash", "/bin/dash", "/usr/bin/apt*", "pip"):
        assert program in stripped
    assert "chmod a-s" in stripped
    installed = " ".join(step.rest for step in build if step.word == "RUN")
    assert "--require-hashes" in installed
    assert "--only-binary :all:" in installed
    assert not re.search(r"apt(-get)?\b|gcc|build-essential|curl|wget", installed)


def test_nothing_but_the_application_is_copied():
    _, build, *_ = steps()
    sources = [step.rest.split()[:-1] for step in build if step.word == "COPY"]
    named = {name for names in sources for name in names}
    assert named == {
        *("requirements/base.txt", "manage.py", "deploy/healthcheck.py"),
        *("apps", "config", "docs", "openapi", "saas"),
    }
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == named


@pytest.fixture
def image(tmp_path) -> Path:
    """The files of the image, and nothing else of the project."""
    tree = tmp_path / "app"
    copied_by(steps()[1], tree)
    return tree


def in_image(image: Path, database_url: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """A command in the image's files with the composition's environment: every secret is a file."""
    secrets = image.parent / "secrets"
    secrets.mkdir(exist_ok=True)
    made = throwaway()
    values = {
        "secret_key": made["SECRET_KEY"],
        "pepper": made["SAAS_PEPPER"],
        "kek": made["SAAS_KEK"],
        "oidc_keys": made["SAAS_OIDC_KEYS"],
        "checkpoint_key": made["SAAS_CHECKPOINT_KEY"],
        "checkpoint_public_keys": made["SAAS_CHECKPOINT_PUBLIC_KEYS"],
        "database_url": database_url,
        "redis_url": "rediss://:secret@redis/0?ssl_ca_certs=/run/secrets/ca",
        "email_password": "secret",
    }
    for name, value in values.items():
        (secrets / name).write_text(value + "\n")
    declared = {name: filled(value) for name, value in SERVICES["web"]["environment"].items()}
    environment = {
        name: value.replace("/run/secrets/", f"{secrets}/") for name, value in declared.items()
    }
    environment |= {"DJANGO_SETTINGS_MODULE": "config.settings.production"}
    environment |= {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=image, env=environment, capture_output=True, text=True
    )


def test_the_images_files_and_the_compositions_settings_are_ready_for_production(image):
    check = ("manage.py", "check", "--deploy", "--fail-level=WARNING")
    url = "postgres://strongroom_app:secret@postgres/strongroom"
    ended = in_image(image, url + CA, *check)
    assert ended.returncode == 0, ended.stderr
    ended = in_image(image, url, *check)
    assert ended.returncode
    assert "saas.E040" in ended.stderr


def test_the_health_check_asks_as_a_caller_of_ours_would(committed, tmp_path):
    def asked(port, host):
        environment = os.environ | {"PORT": str(port), "ALLOWED_HOSTS": f"{host},other"}
        command = [sys.executable, DEPLOY / "healthcheck.py"]
        return subprocess.run(command, env=environment, capture_output=True).returncode

    settings = {"DJANGO_SETTINGS_MODULE": "tests.deploy.settings"}
    networks = {"EDGE_NETWORKS": "172.30.0.2/32 127.0.0.1/32"}
    with serving(tmp_path / "server.log", **settings, **networks) as address:
        port = urlsplit(address).port
        assert asked(port, "api.strongroom.example") == 0
        assert asked(port, "evil.example")
    assert asked(port, "api.strongroom.example")  # the server is gone


@each_service
def test_a_service_can_neither_write_nor_rise(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].partition(":")[0]) > 0
    assert {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}.isdisjoint(service)
    assert service["pids_limit"]
    assert service["mem_limit"]
    for volume in service.get("volumes", []):
        kept = {"postgres:/var/lib/postgresql", "checkpoints:/var/checkpoints"}
        assert volume.endswith(":ro") or volume in kept
        assert "docker.sock" not in volume
    for place in service["tmpfs"]:
        assert {"noexec", "nosuid", "nodev"} <= {*place.partition(":")[2].split(",")}
    told = service["healthcheck"]
    assert ("test" in told) != (name in ("worker", "migrate"))


@each_service
def test_a_secret_is_a_file_and_never_a_variable(name):
    service = SERVICES[name]
    held = set(service["secrets"])
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable):
            assert str(value).startswith("/run/secrets/"), variable
        if str(value).startswith("/run/secrets/"):
            assert str(value).removeprefix("/run/secrets/") in held, variable
    assert held <= COMPOSE["secrets"].keys()
    if name in ("web", "worker"):
        assert not {secret for secret in held if "owner" in secret}


def test_the_worker_alone_signs_checkpoints_and_may_write_where_they_go():
    holders = [name for name, service in SERVICES.items() if "checkpoint_key" in service["secrets"]]
    assert holders == ["worker"]
    [place] = [volume.partition(":")[2] for volume in SERVICES["worker"]["volumes"]]
    made = [step.rest.split() for step in steps()[-1] if step.word == "COPY"]
    assert [words for words in made if f"--chown={SERVICES['worker']['user']}" in words] == [
        ["--from=build", "--chown=10001:10001", "/checkpoints", place]
    ]


def test_the_files_of_secrets_are_no_part_of_the_project():
    files = [f"deploy/{secret['file']}" for secret in COMPOSE["secrets"].values()]
    assert {held for service in SERVICES.values() for held in service["secrets"]} == {
        *COMPOSE["secrets"]
    }
    rules = (ROOT / ".gitignore").read_text().splitlines()
    assert "deploy/secrets/" in rules
    assert all(Path(file).as_posix().startswith("deploy/secrets/") for file in files)


def test_nginx_alone_is_public():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    inside = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    assert inside == {"edge", "data"}
    joined = {name: {*service["networks"]} for name, service in SERVICES.items()}
    assert joined == {
        "nginx": {"public", "edge"},
        "web": {"edge", "data"},
        "worker": {"data", "outside"},
        "migrate": {"data"},
        "postgres": {"data"},
        "redis": {"data"},
    }


def test_the_application_believes_and_answers_the_gateway_alone():
    gateway = ip_address(SERVICES["nginx"]["networks"]["edge"]["ipv4_address"])
    (subnet,) = COMPOSE["networks"]["edge"]["ipam"]["config"]
    assert gateway in ip_network(subnet["subnet"])
    told = SERVICES["web"]["environment"]
    assert told["SAAS_TRUSTED_PROXIES"] == f"{gateway}/32"
    assert told["SAAS_ORIGIN_NETWORKS"] == f"{gateway}/32,127.0.0.1/32"
    (said,) = [step.rest for step in steps()[-1] if step.word == "CMD"]
    port = json.loads(said)[json.loads(said).index("--port") + 1]
    assert SERVICES["nginx"]["environment"]["EDGE_APPLICATION"] == f"web:{port}"
    wanted = re.findall(r"\$\{(EDGE_\w+):\?\}", (DEPLOY / "nginx" / "start").read_text())
    assert {*wanted} <= SERVICES["nginx"]["environment"].keys()


def test_the_commands_exist():
    for name in ("worker", "migrate"):
        python, manage, command, *_ = SERVICES[name]["command"]
        assert (python, manage) == ("python", "manage.py")
        assert command in get_commands()

"""How each secret of the register is changed, as its row says; each tells what was done, and how often
the old one is still used, or still opens.
"""

import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from redis.exceptions import AuthenticationError

from config.settings.security import KEYS
from tests.rotation.house import House, key, redis_url
from tests.rotation.load import Load

type Act = Callable[[House, Load], tuple[str, int]]


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"{true.__qualname__} did not happen in time"
        time.sleep(0.2)
    return found


def kek(house: House, load: Load) -> tuple[str, int]:
    """The file is read again by itself; what a process had locked a moment ago takes a second look."""
    former = re.search(r"current (\w+)", house.manage("rotate_keys", "--status"))
    assert former
    house.signed("rotate_keys", "--kek")
    moved(house, load, "--rewrap", f"{former[1]} retired")
    left = house.manage("rotate_keys", "--status").count(former[1])
    return "another one made, everything wrapped anew, the old one retired", left


def data_keys(house: House, load: Load) -> tuple[str, int]:
    """As above, by organization."""
    organization = load.held["organization"]
    house.signed("rotate_keys", "--data-keys")
    moved(house, load, "--data-keys", f"{organization} 1 keys")
    [line] = [one for one in status_of(house) if one.startswith(organization)]
    left = line.count(":") - 1
    return "another one made, everything sealed anew, the old one removed", left


def moved(house: House, load: Load, option: str, word: str) -> None:
    """Move what is left to the new key until the old one can go, which `word` says."""

    def is_gone() -> bool:
        house.signed("rotate_keys", option)
        return word in house.signed("rotate_keys", "--remove")

    until(is_gone)
    load.settle()


def status_of(house: House) -> list[str]:
    """What the command counts."""
    return house.manage("rotate_keys", "--status").splitlines()


def beside(house: House, load: Load, name: str, other: str, new: str) -> str:
    """The two steps that keep processes of before and after from refusing each other's work: first
    everybody knows the new one, then everybody uses it. Give the old one.
    """
    old = house.kept(name)
    for first, second in ((old, new), (new, old)):
        house.keep(name, first)
        house.keep(other, second)
        house.replace(load)
        load.settle()
    return old


def away(house: House, load: Load, other: str) -> None:
    """The old one opens nothing any more."""
    house.keep(other, "")
    house.replace(load)
    load.settle()


def pepper(house: House, load: Load) -> tuple[str, int]:
    """Digests move over when they are shown; blind indexes by the command."""
    beside(house, load, "SAAS_PEPPER", "SAAS_PEPPER_PREVIOUS", key())
    _, customer, secret = load.held["closing"]  # who calls seldom
    load.ask("GET", f"/api/v1/customers/{customer}", headers={"X-API-Key": secret})

    def is_counted_out() -> bool:
        house.signed("rotate_keys", "--indexes")
        return left_under_another(house) == 0

    until(is_counted_out)
    away(house, load, "SAAS_PEPPER_PREVIOUS")
    return "beside, exchanged, indexed anew, the old one away", left_under_another(house)


def left_under_another(house: House) -> int:
    """What the command counts."""
    told = [line for line in status_of(house) if line.startswith("under another pepper")]
    assert told
    print(*[line for line in told if not line.endswith(" 0")], sep="\n")
    return sum(int(line.rpartition(" ")[2]) for line in told)


def secret_key(house: House, load: Load) -> tuple[str, int]:
    """Sessions sign anew at the next request; a link in the mail lives for its hour."""
    old = beside(house, load, "SECRET_KEY", "SECRET_KEY_FALLBACKS", secrets.token_urlsafe(50))
    load.held["link"], ended = "", load.held["link"]
    load.settle()
    away(house, load, "SECRET_KEY_FALLBACKS")
    answer = requests.get(f"{house.address}/accounts/password/reset/{ended}", timeout=30)
    assert old not in (house.kept("SECRET_KEY"), house.kept("SECRET_KEY_FALLBACKS"))
    return "beside, exchanged, the old one away", int(answer.status_code != 404)


def oidc_keys(house: House, load: Load) -> tuple[str, int]:
    """The file is read again by itself; nobody waits for tokens that were signed before."""
    load.settle()
    former = load.kids.copy()
    house.manage("rotate_oidc_keys")
    until(lambda: load.kids - former)
    load.settle()
    house.manage("rotate_oidc_keys", "--end-retiring")
    load.settle()
    published = requests.get(f"{house.address}/.well-known/jwks.json", timeout=30).json()["keys"]
    left = len(former & {one["kid"] for one in published}) + len(former & load.kids)
    return "another one signs, the old one away", left


def database(house: House, load: Load) -> tuple[str, int]:
    """It ends while it is used: PostgreSQL knows one at a time, and every connection is cut."""
    old, new = house.kept("DATABASE_PASSWORD"), secrets.token_hex(16)
    url = urlsplit(house.cluster.urls["DATABASE_URL"])
    where = {"host": url.hostname, "port": url.port, "dbname": "strongroom", "user": url.username}
    with psycopg.connect(**where, password=old, autocommit=True) as role:
        role.execute(f"ALTER ROLE {url.username} PASSWORD '{new}'")
        house.keep("DATABASE_PASSWORD", new)
        for _ in range(3):
            cut_all(role)
            load.settle()
    return "changed, in its file, every connection cut, thrice", opens(where, old)


THOSE = """FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
    AND backend_start < %s"""
RESTING = "AND state = 'idle' AND state_change < clock_timestamp() - interval '30 ms' LIMIT 1"


def cut_all(role: psycopg.Connection) -> None:
    """Each connection that there is, at a moment in which it rests: one that is cut in the middle of
    a transaction is a 503, and the caller's to repeat.
    """
    now = role.execute("SELECT clock_timestamp()").fetchone()
    deadline = time.monotonic() + 60
    while role.execute(f"SELECT pid {THOSE}", now).fetchall():
        assert time.monotonic() < deadline, "a connection never rests"
        role.execute(f"SELECT pg_terminate_backend(pid) {THOSE} {RESTING}", now)
        time.sleep(0.01)


def opens(where: dict[str, Any], password: str) -> int:
    """1 when PostgreSQL still lets somebody in."""
    try:
        psycopg.connect(**where, password=password).close()
    except psycopg.OperationalError:
        return 0
    return 1


def role(name: str, check: Callable[[House], None]) -> Act:
    """Of a role that only commands use."""

    def act(house: House, load: Load) -> tuple[str, int]:
        url = urlsplit(house.kept(name))
        new = secrets.token_hex(16)
        where = {"host": url.hostname, "port": url.port, "dbname": "strongroom"}
        with psycopg.connect(**where, user=url.username, password=url.password) as session:
            session.execute(f"ALTER ROLE {url.username} PASSWORD '{new}'")
        house.keep(name, house.kept(name).replace(f":{url.password}@", f":{new}@"))
        del house.environment[f"{name}_FILE"]  # of operators
        check(house)
        load.settle()
        return "changed, in its file, tried", opens(
            where | {"user": url.username}, str(url.password)
        )

    return act


def migrates(house: House) -> None:
    """What the owner is for."""
    house.manage("migrate", "--check")


def backs_up(house: House) -> None:
    """What the backup's role is for."""
    program = house.cluster.programs / "pg_dump"
    house.manage("recover", "backup", str(house.folder / "backup"), f"--pg-dump={program}")


def redis(house: House, load: Load) -> tuple[str, int]:
    """Redis knows two at a time; a connection outlives the password that it was opened with."""
    old, new = urlsplit(house.kept("REDIS_URL")), key()
    former = str(old.password).replace("%2F", "/").replace("%2B", "+")
    with house.store(former) as store:
        store.acl_setuser("default", enabled=True, passwords=["+" + new])
        house.keep("REDIS_URL", redis_url(house, new))
        at = time.monotonic()
        house.replace(load)
        load.settle()
        store.acl_setuser("default", enabled=True, passwords=["-" + former])
        mine = str(store.client_id())
        ages = [int(one["age"]) for one in store.client_list() if one["id"] != mine]
        left = sum(age > time.monotonic() - at + 1 for age in ages)
    load.settle()
    with house.store(former) as store, pytest.raises(AuthenticationError):
        store.ping()
    return "beside, everybody connects anew, the old one away", left


def mail(house: House, load: Load) -> tuple[str, int]:
    """It is kept in Vault, and read when a process starts."""
    old, new = house.vault.kept["mail"]["password"], key()
    house.office.passwords.add(new)
    house.vault.kept["mail"] = {"password": new}
    house.replace(load)
    house.office.passwords.discard(old)
    house.office.shown.clear()
    load.settle()
    assert new in house.office.shown
    return "beside, into Vault, the old one away", house.office.shown.count(old)


def vault_token(house: House, load: Load) -> tuple[str, int]:
    """Its own agent renews it; what starts from then on shows the new one."""
    old, new = house.kept("VAULT_TOKEN"), f"s.{secrets.token_hex(12)}"
    house.vault.tokens.append(new)
    house.keep("VAULT_TOKEN", new)
    house.vault.tokens.remove(old)
    house.vault.shown.clear()
    house.replace(load)
    load.settle()
    assert new in house.vault.shown
    return "another one, in its file, the old one revoked", house.vault.shown.count(old)


def checkpoint_key(house: House, load: Load) -> tuple[str, int]:
    """The new one is published before it signs; the old one is believed for good."""
    former = signers(house)
    secret, public = house.manage("make_checkpoint_key").split()
    published = f"{house.kept('SAAS_CHECKPOINT_PUBLIC_KEYS')},{public.split('=', 1)[1]}"
    house.keep("SAAS_CHECKPOINT_PUBLIC_KEYS", published)
    house.replace(load)
    house.keep("SAAS_CHECKPOINT_KEY", secret.split("=", 1)[1])
    house.replace(load)
    count = len(signers(house))
    until(lambda: len(signers(house)) > count + 1, 120)
    assert set(signers(house)[len(former) :]) - set(former), "the new key has signed nothing"
    assert " broken " not in house.manage("verify_audit")
    path = f"{house.address}/.well-known/audit-checkpoint-keys.json"
    assert len(requests.get(path, timeout=30).json()["keys"]) == 2
    left = len(set(signers(house)[count:]) & set(former))
    return "published, then it signs; old lines are still believed", left


def signers(house: House) -> list[str]:
    """The keys of all checkpoints, oldest first."""
    files = (house.folder / "checkpoints").glob("*")
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [one["key"] for one in sorted(map(json.loads, lines), key=lambda one: one["number"])]


def erase(house: House, load: Load) -> tuple[str, int]:
    """The keys of an organization that leaves, of which every process holds some open; the others
    notice nothing.
    """
    organization, customer, secret = load.held["closing"]
    path, by = f"/api/v1/customers/{customer}", {"X-API-Key": secret}
    for _ in range(20):
        load.ask("GET", path, headers=by)
    words = [f"--organization={organization}", f"--confirm={organization}", "--reason=They left."]
    house.signed("destroy_key", *words)
    time.sleep(KEYS.seen.total_seconds() + 1)  # the promise
    answers = [load.ask("GET", path, 200, 410, headers=by) for _ in range(40)]
    load.settle()
    return "destroyed: nobody opens anything any more", sum(one.ok for one in answers)


ACTS: dict[str, Act] = {
    "SAAS_KEK": kek,
    "data-keys": data_keys,
    "SAAS_PEPPER": pepper,
    "SECRET_KEY": secret_key,
    "SAAS_OIDC_KEYS": oidc_keys,
    "SAAS_CHECKPOINT_KEY": checkpoint_key,
    "DATABASE_URL": database,
    "DATABASE_OWNER_URL": role("DATABASE_OWNER_URL", migrates),
    "DATABASE_BACKUP_URL": role("DATABASE_BACKUP_URL", backs_up),
    "REDIS_URL": redis,
    "EMAIL_HOST_PASSWORD": mail,
    "VAULT_TOKEN": vault_token,
}

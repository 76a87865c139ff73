import pytest
from tests.saas.wire import *

def test_a(acme):
    r = acme.owner.post("notes", {"title":"x","body":"secret"})
    print(r.status_code, r.headers, r.content)
    r = acme.viewer.get(r["Location"])
    print(r.status_code, r.headers, r.content)
    for m in ["OPTIONS","TRACE","PUT","HEAD","FOO"]:
        r= send(m, key=acme.owner.secret)
        print(m, r.status_code, r.headers.get("Allow"), r.content[:100])
    r= send("GET", key=acme.owner.secret, CONTENT_LENGTH="9"*5000)
    print(m, r.status_code, r.headers.get("Allow"), r.content[:100])

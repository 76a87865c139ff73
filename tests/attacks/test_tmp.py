from concurrent.futures import ThreadPoolExecutor
import pytest, time
from django.db import connection, transaction
from tests.cast import make_tenant
from tests.attacks.surface import *
from tests.matrix.samples import *
from apps.organizations.services import add_member, remove_member
from apps.organizations.models import Membership
from apps.integrations.models import ApiKey
from saas.audit import trail

@pytest.fixture
def racing(committed): return make_tenant("Acme")

def test_three(racing):
    rows=racing.owner.get("members").json()["results"]; ids={r["role"]:r["id"] for r in rows}
    for r in ("admin","accountant"): assert racing.owner.patch(f"members/{ids[r]}",{"role":"owner"}).status_code==200
    res={}
    for i in range(15):
        with bind(racing.id):
            Membership.objects.filter(pk__in=[ids["owner"],ids["admin"],ids["accountant"]]).update(role="owner")
        a,b=apart(racing.owner),apart(racing.admin)
        out=at_once(lambda:a.patch(f"members/{ids['admin']}",{"role":"viewer"}), lambda:b.patch(f"members/{ids['owner']}",{"role":"viewer"}))
        k=tuple(o.status_code for o in out); res[k]=res.get(k,0)+1
    print("THREE",res)

def test_zombie(racing):
    rows=racing.owner.get("members").json()["results"]; ids={r["role"]:r["id"] for r in rows}
    secret={}
    import apps.integrations.services as S
    real=S.create_key
    # M's request is inside create_key when the owner removes M
    from threading import Event
    started,go=Event(),Event()
    def slow(*a,**k):
        out=real(*a,**k); started.set(); go.wait(5); return out
    S.create_key=slow
    try:
        m=apart(racing.admin)
        with ThreadPoolExecutor(1) as pool:
            def run():
                try: return m.post("api-keys",{"name":"zombie","scopes":["customers:read"]})
                finally: connection.close()
            f=pool.submit(run); started.wait(5)
            d=racing.owner.delete(f"members/{ids['admin']}"); print("removed",d.status_code)
            go.set(); r=f.result(); print("created",r.status_code, r.content[:100])
    finally: S.create_key=real
    k=r.json().get("secret")
    from django.test import Client
    def me(): return Client().get("/api/v1/me",headers={"X-API-Key":k},secure=True)
    print("now",me().status_code)
    with bind(racing.id), trail.recording():
        add_member(None, racing.admin.user, "admin")
    print("rejoined",me().status_code, me().content[:200])

def test_narrow_owner(racing):
    narrow=racing.owner.with_scopes("members:write","members:read")
    rows=racing.owner.get("members").json()["results"]; ids={r["role"]:r["id"] for r in rows}
    print("NARROW", narrow.patch(f"members/{ids['viewer']}",{"role":"owner"}).status_code, narrow.post("invitations",{"email":"m@evil.example","role":"owner"}).status_code)

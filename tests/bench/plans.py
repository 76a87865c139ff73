"""How a list is planned: an index scan of few pages, for whoever asks, as the serving role."""

from typing import Any

import psycopg

LISTS = {
    "newest": "SELECT * FROM invoices_invoice WHERE tenant_id = %s ORDER BY id DESC LIMIT 51",
    "oldest": "SELECT * FROM invoices_invoice WHERE tenant_id = %s ORDER BY id LIMIT 51",
    "by total": "SELECT * FROM invoices_invoice WHERE tenant_id = %s ORDER BY total, id LIMIT 51",
    "by date": "SELECT * FROM invoices_invoice WHERE tenant_id = %s ORDER BY created_at, id LIMIT 51",
    "drafts": "SELECT * FROM invoices_invoice WHERE tenant_id = %s AND status = 'draft' ORDER BY id DESC LIMIT 51",
}


def faults(app: str, cast: dict[str, Any], most: int) -> list[str]:
    """Each list whose plan reads more pages than `most`, or a whole table."""
    found = []
    with psycopg.connect(app, cursor_factory=psycopg.ClientCursor) as connection:
        for who, one in cast.items():
            connection.execute("SELECT set_config('app.tenant', %s, true)", [one["tenant"]])
            for name, query in LISTS.items():
                explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"
                [[[answer]]] = connection.execute(explain, [one["tenant"]]).fetchall()
                plan = answer["Plan"]
                pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
                nodes = set(kinds(plan))
                if pages > most or "Seq Scan" in nodes:
                    found.append(f"{name} of {who}: {pages} pages by {', '.join(sorted(nodes))}")
    return found


def kinds(plan: dict[str, Any]) -> list[str]:
    """The kinds of all nodes of a plan."""
    return [plan["Node Type"], *(kind for one in plan.get("Plans", ()) for kind in kinds(one))]

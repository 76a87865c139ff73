"""What a database holds, in the moment of its backup: how many rows, and everything that guards
them.
"""

import re
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

# Each line is one object with all that it says, so that one which is missing, switched off or not
# validated shows.
OBJECTS = """
    SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid),
        CASE WHEN NOT convalidated THEN 'NOT VALIDATED' END)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid),
        CASE WHEN NOT indisvalid THEN 'NOT VALID' END)
    FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), tgenabled)
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd,
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy
    UNION ALL SELECT concat_ws(' ', 'function', pg_get_functiondef(oid))
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'table', relname, relkind, relrowsecurity, relforcerowsecurity,
        ARRAY(SELECT unnest(relacl)::text ORDER BY 1))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
    UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attname,
        format_type(atttypid, atttypmod), attnotnull)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
        AND NOT attisdropped
"""
NOISE = re.compile(r"::(character varying|text)\b|\[\]|[()]")  # a restore sets them elsewhere
ROWS = """
    SELECT tablename, (xpath('/row/count/text()', query_to_xml(
        format('SELECT count(*) FROM %I', tablename), false, true, '')))[1]::text::bigint
    FROM pg_tables WHERE schemaname = 'public' ORDER BY 1
"""


def of(session: psycopg.Connection) -> dict[str, Any]:
    """The manifest of a database, as this transaction sees it. Row security must not bind the
    role.
    """
    return {
        "rows": dict(session.execute(ROWS).fetchall()),
        "objects": sorted(NOISE.sub("", text) for (text,) in session.execute(OBJECTS).fetchall()),
    }


def connected() -> psycopg.Connection:
    """A session of the role that makes backups, on the database that is served."""
    served, role = connection.settings_dict, settings.DATABASE_BACKUP or {}
    return psycopg.connect(
        host=served["HOST"],
        port=served["PORT"],
        dbname=served["NAME"],
        user=role["USER"],
        password=role["PASSWORD"],
    )

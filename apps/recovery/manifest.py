"""What a database holds, in the moment of its backup: how many rows, what stands in them, and
everything that guards them.
"""

import re
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from apps.recovery.models import Home

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
        polpermissive, polroles::regrole[],
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy
    UNION ALL SELECT concat_ws(' ', 'function', pg_get_functiondef(oid),
        ARRAY(SELECT unnest(coalesce(proacl, acldefault('f', proowner)))::text ORDER BY 1))
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'rule', definition) FROM pg_rules WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', 'table', relname, relkind, relrowsecurity, relforcerowsecurity,
        CASE WHEN relowner <> datdba THEN 'OF SOMEBODY ELSE' END,
        ARRAY(SELECT unnest(relacl)::text ORDER BY 1))
    FROM pg_class JOIN pg_database ON datname = current_database()
    WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i', 't', 'c')
    UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attname,
        format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attacl)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
        AND NOT attisdropped
    UNION ALL SELECT concat_ws(' ', 'role', rolname, rolsuper, rolbypassrls, rolcreaterole,
        rolreplication, ARRAY(SELECT roleid::regrole::text FROM pg_auth_members
        WHERE member = r.oid ORDER BY 1))
    FROM pg_roles r WHERE EXISTS (SELECT FROM pg_class, aclexplode(relacl) WHERE grantee = r.oid
        AND relnamespace = 'public'::regnamespace)
"""
NOISE = re.compile(r"::(character varying|text)\b|\[\]|[()]")  # a restore sets them elsewhere
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# A sum does not mind the order in which the rows come; half of an MD5 tells two rows apart.
CONTENT = (
    "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint), 0)::text"
)
AS_TEXT = "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex"  # whatever a cluster prefers


def of(session: psycopg.Connection) -> dict[str, Any]:
    """The manifest of a database, as this transaction sees it. Row security must not bind the
    role. Where it is at home is no part of it: a copy says that of itself.
    """
    rows = {}
    for (table,) in session.execute(TABLES).fetchall():
        if table != Home._meta.db_table:
            query = sql.SQL(CONTENT + " FROM {} t").format(sql.Identifier(table))
            rows[table] = list(session.execute(query).fetchall()[0])
    objects = sorted(NOISE.sub("", text) for (text,) in session.execute(OBJECTS).fetchall())
    return {"rows": rows, "objects": objects}


def connected() -> psycopg.Connection:
    """A session of the role that makes backups, on the database that is served."""
    served, role = connection.settings_dict, settings.DATABASE_BACKUP or {}
    return psycopg.connect(
        host=served["HOST"],
        port=served["PORT"],
        dbname=served["NAME"],
        user=role["USER"],
        password=role["PASSWORD"],
        options=AS_TEXT,
    )

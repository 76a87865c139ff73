#!/bin/sh
# The two roles: one owns the tables and migrates; the other serves, owns nothing, and row security binds it.
# PostgreSQL's image runs this once, on an empty volume. The passwords come from the environment.
set -eu
for role in OWNER APP; do # or from the file that STRONGROOM_…_PASSWORD_FILE names
    eval "file=\${STRONGROOM_${role}_PASSWORD_FILE:-}"
    if [ -n "$file" ]; then export "STRONGROOM_${role}_PASSWORD=$(cat "$file")"; fi
done
: "${STRONGROOM_OWNER_PASSWORD:?}" "${STRONGROOM_APP_PASSWORD:?}"
psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv owner_password STRONGROOM_OWNER_PASSWORD
\getenv app_password STRONGROOM_APP_PASSWORD
-- CREATEDB: the tests make a database for each of their workers.
CREATE ROLE strongroom_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE CREATEDB PASSWORD :'owner_password';
CREATE ROLE strongroom_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app_password';
CREATE DATABASE strongroom OWNER strongroom_owner;
REVOKE ALL ON DATABASE strongroom FROM PUBLIC;
GRANT CONNECT ON DATABASE strongroom TO strongroom_app;
SQL

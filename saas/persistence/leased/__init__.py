"""A PostgreSQL whose password ends: DATABASES takes it as ENGINE when a password is leased."""

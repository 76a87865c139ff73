"""Keepers of key-encryption keys outside this house: each a file that SAAS_KEY_PROVIDER names, that
nothing imports, and that a clone deletes when it does not want it.
"""

"""Mallory's story over HTTP: one module for each risk of the OWASP API Security Top 10 of 2023."""

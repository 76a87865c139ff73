"""Passkeys: a key in a person's device signs them in, here and nowhere else."""

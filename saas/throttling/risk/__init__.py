"""Limits that follow a caller's record: down to a tenth for who does harm, up to double for whom
nothing is known against.
"""

"""Whom do our logs reach, and what when nobody is there?"""

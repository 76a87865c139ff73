"""May they do this, to this?"""

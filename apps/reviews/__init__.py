"""Who looked, when, at what, and what did they find?"""

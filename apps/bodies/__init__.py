"""What exactly did they send? For an hour at most, of one organization, and without what is theirs
alone.
"""

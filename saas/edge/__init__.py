"""Are we willing to read this request?"""

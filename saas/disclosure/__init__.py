"""Which parts of the answer may they see?"""

"""Who is this person, and how did they prove it, for a client that must know?"""

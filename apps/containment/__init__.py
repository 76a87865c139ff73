"""How is harm stopped while nobody yet knows what it is?"""

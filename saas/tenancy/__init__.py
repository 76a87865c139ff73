"""For which tenant?"""

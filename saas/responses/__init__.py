"""How do we say it without saying too much?"""

"""What happened, so that nobody can say it did not?"""

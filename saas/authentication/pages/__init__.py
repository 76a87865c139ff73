"""Who sits in front of the browser, and for how long?"""

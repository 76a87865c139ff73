"""Which tokens does the authorization server give, to whom, and when do they end?"""

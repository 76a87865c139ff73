"""How often may they?"""

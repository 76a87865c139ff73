"""Who is calling, and how did they prove it?"""

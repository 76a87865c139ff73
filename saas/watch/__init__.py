"""Is something going wrong right now?"""

"""Is every part of what they sent something we asked for?"""

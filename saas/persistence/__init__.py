"""Can a row ever leave its tenant?"""

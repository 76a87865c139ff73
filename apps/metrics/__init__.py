"""How is the house, in numbers?"""

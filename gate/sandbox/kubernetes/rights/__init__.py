"""Who may do what, as values and functions: users, rules and the roles that are there from the beginning; pure.

Where roles lie and how a request is held against them is the room `access`.
"""

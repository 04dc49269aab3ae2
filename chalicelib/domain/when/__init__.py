"""The field `when` of a rule: a condition over indicators, as text or as a JSON tree.

`nodes` defines the tree, and `catalogue` the values that it may name. `reading` parses the text
form and `writing` writes it; `json_form` does both for the JSON form. `needs` computes how many
bars a tree depends on, and `truth` decides it at one point. `desk` keeps a symbol's values current.

Only rules with `when` import this package.
"""

"""The tracked symbols and their sources, and the deletion of all data of a symbol."""

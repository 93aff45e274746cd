"""What a user asks for: the TOML tables of a recipe, a module a table, checked and typed; and what travels with it."""

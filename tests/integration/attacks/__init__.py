"""Attacks as tables: what goes in, what each side may see of it, and the clause that says so."""

"""How many go: plans, budgets, and the search over proposals."""

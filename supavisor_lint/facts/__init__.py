"""What one file says: its lowered tree, names and scopes, from one LibCST walk."""

"""The inventory of a project's background tasks: what they are made of, what is wrong, what to mend first, and how."""

"""The facts of all files, linked: what is this name, who registers this function."""

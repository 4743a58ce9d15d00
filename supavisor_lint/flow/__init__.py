"""What happens to each session of a function: its operations, in source order, with the blocks around them."""

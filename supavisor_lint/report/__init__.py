"""What a run says, one file per output format: pure functions from findings to text, without I/O or click."""

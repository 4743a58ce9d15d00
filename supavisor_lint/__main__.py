"""Makes `python -m supavisor_lint` the same as `supavisor-lint`."""

from supavisor_lint.cli import main

main()

"""Makes what runs equal to what is recorded: observe, plan, execute, record."""

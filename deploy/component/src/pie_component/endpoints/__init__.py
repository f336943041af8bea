"""What a vertex offers to the world, spoken over `pie_flow.endpoint_link` with the gateway."""

"""The inventory family: reorder points and alerts, simulated on past weeks."""

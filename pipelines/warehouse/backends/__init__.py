"""The engines that can read and write the warehouse, one module each."""

"""What each placement asks for, and how each recommended item is explained."""

"""RFM scores, lifecycle stages and clusters of customers."""

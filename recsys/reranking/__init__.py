"""From ranked items to the list that is shown: filters, eligibility, the merchant's policy."""

"""Identity resolution and consent."""

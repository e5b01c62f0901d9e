"""Who is who: identity resolution and consent."""

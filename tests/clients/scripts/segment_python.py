"""Segment's SDK for Python: ADDRESS KEY NAME VIEWS."""

import sys

from segment.analytics.client import Client

address, key, name, views = sys.argv[1:]
user, device = f"{name}-user", f"{name}-device"
products = [{"product_id": "tea", "price": 4.5, "quantity": 2}]

client = Client(key, host=address, gzip=True)
client.identify(user, {"email": f"{name}@example.com"}, anonymous_id=device)
client.track(user, "Order Completed", {"order_id": f"{name}-order", "currency": "EUR", "products": products})
client.page(user, "Shop", "Home", {"path": "/home"})
client.alias(f"{name}-old", user)
client.group(user, "shop")
for view in range(int(views)):
    client.track(anonymous_id=device, event="Product Viewed", properties={"product_id": f"tea-{view}"})
client.shutdown()

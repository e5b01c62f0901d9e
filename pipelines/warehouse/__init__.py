"""Tables on disk: their schemas, their partitions and the views over them."""

"""The stores of personal data: one module each, all of them `Erasable`."""

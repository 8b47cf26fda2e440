"""A seeded first-in-human trial with its honest mess, and its truth."""

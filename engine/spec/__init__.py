"""What a study says: YAML with places, models, the verb registry, expressions and lint."""

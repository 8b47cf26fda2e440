"""Raw data in: EDC forms, vendor files, encodings and row identity."""

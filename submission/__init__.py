"""The submission folder: Define-XML, annotated CRF, reviewer's guides and eCTD folders, from datasets and specs."""

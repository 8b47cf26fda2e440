"""The submission folder, from published datasets and their specs: Define-XML, annotated CRF, reviewer's guides, eCTD folders."""

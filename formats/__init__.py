"""Dataset files in and out: SAS transport, CSV, Parquet, XLSX and SAS7BDAT."""

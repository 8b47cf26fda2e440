"""Standards as data: SDTMIG, ADaMIG and controlled terminology."""

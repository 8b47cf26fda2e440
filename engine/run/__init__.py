"""How a study is carried out: the graph of variables, records, build, publishing, lineage and journal."""

"""Non-compartmental analysis (NCA) of concentration profiles: areas, terminal slope, clearance, of use to anyone."""

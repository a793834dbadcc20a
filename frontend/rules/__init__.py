"""What normalisation writes out: numbers, dates, units, forms, by language."""

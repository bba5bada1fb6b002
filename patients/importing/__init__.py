"""Patients from the file of another system: reading it, what its columns mean, checking rows, importing them."""

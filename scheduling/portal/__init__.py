"""Screens of the patient: seeing times, booking, one's appointments, the waiting list. One module a part of the way."""

"""Staff pages of the pharmacy, and the fragments of the doctor's consultation form."""

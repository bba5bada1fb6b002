"""Staff screens of the clinic's day."""

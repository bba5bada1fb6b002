class AuditIsAppendOnly(Exception):
    """Somebody tried to change or delete an audit row."""

"""One Flask application that keeps the books."""

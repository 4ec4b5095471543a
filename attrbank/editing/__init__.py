"""From a request to a picture: what is asked, what it will do and cost, and doing it, once or many times."""

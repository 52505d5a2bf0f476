"""The till's own page: what ``pos.view`` says, drawn for people who look for one second."""

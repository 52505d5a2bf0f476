"""Reports: one a module, each with its query and its figures; pages and exports draw them."""

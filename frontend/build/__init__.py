"""Builders of the data of the front end; nothing at run time imports them."""

"""Who is logged in, since when, and until when? Sessions: in a cookie or a store, refreshed, handed to other hosts, ended everywhere."""

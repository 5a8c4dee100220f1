"""Who is logged in, since when, and until when? Sessions: kept in a cookie or a store, refreshed, handed to other hosts, ended everywhere."""

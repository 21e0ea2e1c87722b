//! Joint training of all exits.

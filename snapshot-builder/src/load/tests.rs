//! Whole folders through the loader, as data.

//! Datasets in one canonical form, importers, generators, tokenisation and packing.

//! Fetching, from servers on this machine that the tests start.

#![allow(clippy::unwrap_used)]

mod archive;
mod hub;
mod server;
mod world;

//! The contract of the API: fields, words, status codes, the order of refusals, limits.

mod bodies;
mod desk;
mod documents;
mod lists;
mod once;
mod requesters;
mod returning;
mod sessions;

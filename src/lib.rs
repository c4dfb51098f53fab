//! Rekey, the desk for lost second factors.
//!
//! A person files a ticket, staff establish who they are, a new key goes out by mail, and lives once it is proven.

pub mod db {
    //! All SQL.
    pub mod payload;
}
pub mod domain;
pub mod mail;

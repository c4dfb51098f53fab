//! Rekey, the desk for lost second factors.

pub mod db {
    //! All SQL.
    pub mod payload;
}
pub mod domain;
pub mod mail;

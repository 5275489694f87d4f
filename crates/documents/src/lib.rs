//! The landing page and the documents of the site.

pub mod api;
pub mod asset;
pub mod docs;
pub mod home;
pub mod limits;
pub mod promises;
pub mod walk;

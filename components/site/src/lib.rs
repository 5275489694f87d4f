//! The landing page, static files and the API document.

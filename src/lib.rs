//! pilah

//! A visit.

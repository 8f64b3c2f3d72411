//! The registry in memory keeps the contract of registries.

use visio_signaling::server::memory::MemoryRegistry;

crate::registry_contract!(crate::contract, MemoryRegistry::default());

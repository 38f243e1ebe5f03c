//! From the outbox to the broker, at least once and in order.

use std::future::Future;

use anyhow::Result;

/// A message on its way to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The whole topic.
    pub topic: String,
    /// JSON.
    pub payload: Vec<u8>,
    /// At most once (0) or at least once (1).
    pub at_least_once: bool,
    /// Whether the broker keeps it for who subscribes later.
    pub retain: bool,
}

/// A connection to a broker: `drivers::mqtt` the real one, `sim` one that breaks on request.
pub trait Link: Send + Sync {
    /// Resolves when the broker has taken the message (PUBACK with a reason below 0x80 where `at_least_once`).
    fn publish(&self, message: Message) -> impl Future<Output = Result<()>> + Send;
}

//! How connections end: over what, and when another one is tried.

use std::io::ErrorKind;
use std::time::Duration;

use rumqttc::v5::mqttbytes;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode as Return, DisconnectReasonCode as Code};
use rumqttc::v5::{ConnectionError, StateError};
use tokio::time::Instant;

/// A connection that lasted so long did not end over what was sent when it came up, nor over who else came.
const STEADY: Duration = Duration::from_secs(30);

/// The first and the longest wait between two attempts to connect.
pub(super) const BACK_OFF: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// The longest wait behind a connection that ended soon, but on which the broker took events.
const USEFUL_BACK_OFF: Duration = Duration::from_secs(4);

/// What there is to say of a connection's life.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lived {
    /// Since when it is up, if it came up.
    pub(super) since: Option<Instant>,
    /// Whether the broker took an event.
    pub(super) took: bool,
}

impl Lived {
    /// Whether it came up, and that not long ago.
    pub(super) fn is_young(self) -> bool {
        self.since.is_some_and(|since| since.elapsed() < STEADY)
    }

    /// The wait behind it, where `wait` was due.
    pub(super) fn wait(self, wait: Duration) -> Duration {
        match self {
            Self { since: Some(_), .. } if !self.is_young() => BACK_OFF.0,
            Self { took: true, .. } => wait.min(USEFUL_BACK_OFF),
            _ => wait,
        }
    }
}

/// The reason why a connection ended, if a message of ours was it.
pub(super) fn message_at_fault(wrong: &ConnectionError) -> Option<String> {
    let ConnectionError::MqttState(state) = wrong else { return None };
    match state {
        StateError::ServerDisconnect {
            reason_code: reason @ (Code::PacketTooLarge | Code::PayloadFormatInvalid),
            ..
        } => Some(format!("{reason:?}")),
        // mosquitto answers a message above its message_size_limit with PUBACK 0x95, which the standard does not
        // allow there: rumqttc ends the connection over it, and the id is lost.
        StateError::Deserialization(mqttbytes::Error::InvalidConnectReturnCode(0x95)) => Some("PacketTooLarge".into()),
        _ => None,
    }
}

/// Why a connection ended, with what to do where that is known.
pub(super) fn explain(wrong: &ConnectionError, client_id: &str) -> String {
    match wrong {
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code: Code::SessionTakenOver, .. }) => {
            format!(
                "another client uses this client id, {client_id} (SessionTakenOver); end the other program, or give each \
             station an id or an mqtt.client_id of its own"
            )
        }
        ConnectionError::ConnectionRefused(Return::NotAuthorized | Return::BadUserNamePassword) => {
            format!("{wrong}; check mqtt.username and mqtt.password_file")
        }
        // mosquitto 2.0.11 does not say who else came.
        ConnectionError::MqttState(StateError::ConnectionAborted) => format!(
            "the broker ended the connection without a word; where that repeats, look for another client with this \
             client id, {client_id}"
        ),
        _ => wrong.to_string(),
    }
}

/// Whether a broker ends connections in this way over a message that it does not want: it says so, or hangs up. Who stops,
/// moves or lets another in says that.
pub(super) fn may_be_over_a_message(wrong: &ConnectionError) -> bool {
    let ConnectionError::MqttState(state) = wrong else { return false };
    match state {
        StateError::ConnectionAborted => true,
        // It left what we had sent unread.
        StateError::Deserialization(mqttbytes::Error::Io(wrong)) => {
            matches!(wrong.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
        }
        StateError::ServerDisconnect { reason_code, .. } => matches!(
            reason_code,
            Code::UnspecifiedError
                | Code::ImplementationSpecificError
                | Code::MalformedPacket
                | Code::ProtocolError
                | Code::NotAuthorized
                | Code::TopicNameInvalid
                | Code::QuotaExceeded
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[test]
    fn who_is_put_out_by_its_own_name_is_told() {
        let ended =
            |reason_code| ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string: None });
        let told = explain(&ended(Code::SessionTakenOver), "pilah-v1-a-b");
        assert!(told.contains("another client uses this client id, pilah-v1-a-b"), "{told}");
        let silent = explain(&ConnectionError::MqttState(StateError::ConnectionAborted), "pilah-v1-a-b");
        assert!(silent.contains("another client with this client id, pilah-v1-a-b"), "{silent}");
        assert!(explain(&ended(Code::ServerBusy), "a").contains("ServerBusy"));
    }

    #[test]
    fn who_is_not_let_in_is_told_what_to_check() {
        for (code, told) in
            [(Return::NotAuthorized, true), (Return::BadUserNamePassword, true), (Return::Banned, false)]
        {
            let said = explain(&ConnectionError::ConnectionRefused(code), "a");
            assert_eq!(said.ends_with("; check mqtt.username and mqtt.password_file"), told, "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_end_soon_are_tried_again_later_each_time() {
        let s = Duration::from_secs;
        let waits = |lasts: Duration, took: bool| async move {
            let (mut wait, mut waits) = (BACK_OFF.0, Vec::new());
            for _ in 0..6 {
                let lived = Lived { since: Some(Instant::now()), took };
                sleep(lasts).await;
                wait = lived.wait(wait);
                waits.push(wait.as_secs());
                wait = (wait * 2).min(BACK_OFF.1);
            }
            waits
        };
        assert_eq!(waits(s(0), false).await, [2, 4, 8, 16, 30, 30]);
        assert_eq!(waits(s(5), true).await, [2, 4, 4, 4, 4, 4], "two stations by one name");
        assert_eq!(waits(s(31), false).await, [2; 6]);
        assert_eq!(Lived::default().wait(s(16)), s(16), "it never came up");
    }
}

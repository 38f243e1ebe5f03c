//! Which command messages are carried out: those that the configuration allows, well formed, and once each. Who asks again
//! gets the same reply.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::command::{Command, CommandMessage, Name};

/// Ids remembered, to know repeated ones: more than a person or a script sends within a redelivery.
const REMEMBERED: usize = 256;

/// Larger payloads are not looked at; real ones have some 60 bytes.
const LARGEST: usize = 1024;

/// The longest id.
const ID_LENGTH: usize = 64;

/// Judges command messages.
#[derive(Debug)]
pub(super) struct Commands {
    allowed: Vec<Name>,
    seen: VecDeque<Seen>,
}

/// A command that was handed on.
#[derive(Debug)]
struct Seen {
    id: String,
    command: Command,
    /// What came of it, once that is known.
    result: Option<Result<String, String>>,
}

/// What becomes of a command message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is carried out.
    Accepted { id: String, command: Command },
    /// It is answered with the reason why not.
    Refused { id: Option<String>, why: String },
    /// It was there before: nothing is done, and what came of it is said again, if that is known.
    Repeated { id: String, result: Option<Result<String, String>> },
}

impl Commands {
    pub(super) fn new(allowed: &[Name]) -> Self {
        Self { allowed: allowed.to_vec(), seen: VecDeque::new() }
    }

    /// Judges the command `word` (the last of its topic) with its payload.
    pub(super) fn judge(&mut self, word: &str, payload: &[u8], retained: bool) -> Verdict {
        match self.read(word, payload, retained) {
            Ok((id, command)) => self.take(id, command),
            Err(why) => Verdict::Refused { id: id(payload), why },
        }
    }

    /// The command that a message asks for.
    ///
    /// # Errors
    /// Why it is refused, whatever came before it.
    fn read(&self, word: &str, payload: &[u8], retained: bool) -> Result<(String, Command), String> {
        let Some(name) = Name::from_word(word) else {
            return Err(format!("no such command; there are {}", Name::ALL.map(Name::as_str).join(", ")));
        };
        if !self.allowed.contains(&name) {
            return Err(format!("not allowed; add \"{word}\" to mqtt.commands of this station"));
        }
        if retained {
            return Err("retained commands are never carried out; send it without the retain flag".into());
        }
        if payload.len() > LARGEST {
            return Err(format!("larger than {LARGEST} bytes"));
        }
        let message: CommandMessage = serde_json::from_slice(payload)
            .map_err(|wrong| format!("{wrong}; send such as {{\"id\": \"a-new-one-each-time\"}}"))?;
        if !is_id(&message.id) {
            return Err(format!("the id must have 1 to {ID_LENGTH} characters"));
        }
        let command = Command::new(name, message.lane)?;
        Ok((message.id, command))
    }

    /// An id stands for one command: under it no other one is taken for that. But a pause is carried out all the same: a
    /// machine that stands for nothing is the lesser evil.
    fn take(&mut self, id: String, command: Command) -> Verdict {
        let before = self.seen.iter().position(|seen| seen.id == id);
        if let Some(seen) = before.and_then(|index| self.seen.get(index)) {
            if seen.command == command {
                return Verdict::Repeated { id, result: seen.result.clone() };
            }
            if command != Command::Pause {
                let used_for = seen.command.name().as_str();
                let why = format!("the id {id:?} was used for {used_for} before; send a new one with each command");
                return Verdict::Refused { id: Some(id), why };
            }
        }
        if let Some(index) = before {
            self.seen.remove(index);
        } else if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen { id: id.clone(), command: command.clone(), result: None });
        Verdict::Accepted { id, command }
    }

    /// Remembers what came of a command, for who asks again.
    pub(super) fn came_of(&mut self, id: &str, command: &Command, result: &Result<String, String>) {
        if let Some(seen) = self.seen.iter_mut().find(|seen| seen.id == id && seen.command == *command) {
            seen.result = Some(result.clone());
        }
    }

    /// Nobody carried it out: sent again, it is a new one.
    pub(super) fn forget(&mut self, id: &str, command: &Command) {
        self.seen.retain(|seen| seen.id != id || seen.command != *command);
    }
}

/// The id of a command, as far as one can be read: of one that is refused as well.
pub(super) fn id(payload: &[u8]) -> Option<String> {
    /// The other fields may be wrong.
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let payload = Some(payload).filter(|payload| payload.len() <= LARGEST)?;
    let named: Named = serde_json::from_slice(payload).ok()?;
    Some(named.id).filter(|id| is_id(id))
}

fn is_id(id: &str) -> bool {
    (1..=ID_LENGTH).contains(&id.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(word: &str, payload: &str) -> Verdict {
        Commands::new(&Name::ALL).judge(word, payload.as_bytes(), false)
    }

    #[test]
    fn well_formed_commands_are_accepted() {
        for (word, payload, command) in [
            ("pause", r#"{"id": "1"}"#, Command::Pause),
            ("resume", r#"{"id": "1"}"#, Command::Resume),
            ("trigger", r#"{"id": "1"}"#, Command::Trigger(None)),
            ("trigger", r#"{"id": "1", "lane": "glass"}"#, Command::Trigger(Some("glass".into()))),
            ("lane-test", r#"{"id": "1", "lane": "glass"}"#, Command::LaneTest("glass".into())),
            ("snapshot", r#"{"id": "1"}"#, Command::Snapshot),
            ("reload", r#"{"id": "1"}"#, Command::Reload),
        ] {
            assert_eq!(judge(word, payload), Verdict::Accepted { id: "1".into(), command });
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let huge = format!(r#"{{"id": "{}"}}"#, "x".repeat(2000));
        let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(65));
        for (word, payload, reason) in [
            ("explode", r#"{"id": "1"}"#, "no such command"),
            ("pause", "", "EOF"),
            ("pause", "now", "expected"),
            ("pause", "[]", "invalid length"),
            ("pause", "{}", "missing field `id`"),
            ("pause", r#"{"id": 1}"#, "invalid type"),
            ("pause", r#"{"id": "1", "force": true}"#, "unknown field"),
            ("pause", r#"{"id": ""}"#, "1 to 64"),
            ("pause", &long, "1 to 64"),
            ("pause", &huge, "larger than"),
            ("pause", r#"{"id": "1", "lane": "glass"}"#, "takes no lane"),
            ("lane-test", r#"{"id": "1"}"#, "needs a lane"),
            ("snapshot", r#"{"id": "1", "lane": "glass"}"#, "takes no lane"),
        ] {
            let Verdict::Refused { why, .. } = judge(word, payload) else { panic!("{word} {payload} was accepted") };
            assert!(why.contains(reason), "{word} {payload}: {why}");
        }
    }

    #[test]
    fn an_id_stands_for_one_command_and_a_pause_is_carried_out_all_the_same() {
        let mut commands = Commands::new(&Name::ALL);
        let mut judge = |word: &str| commands.judge(word, br#"{"id": "1"}"#, false);
        let accepted = |command| Verdict::Accepted { id: "1".into(), command };
        let used_for = |verdict, command: &str| match verdict {
            Verdict::Refused { id, why } => id.as_deref() == Some("1") && why.contains(&format!("used for {command}")),
            _ => false,
        };
        assert_eq!(judge("resume"), accepted(Command::Resume));
        assert!(used_for(judge("trigger"), "resume"));
        assert_eq!(judge("pause"), accepted(Command::Pause));
        assert!(used_for(judge("resume"), "pause"), "it would be told that it was resumed");
        assert_eq!(judge("pause"), Verdict::Repeated { id: "1".into(), result: None });
        commands.came_of("1", &Command::Resume, &Ok("resumed".into()));
        commands.forget("1", &Command::Resume);
        let repeated = Verdict::Repeated { id: "1".into(), result: None };
        assert_eq!(commands.judge("pause", br#"{"id": "1"}"#, false), repeated, "what came of the other is not said");
    }

    #[test]
    fn a_refusal_carries_the_id_where_one_can_be_read() {
        let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(65));
        for (word, payload, retained, id) in [
            ("explode", r#"{"id": "7"}"#, false, Some("7")),
            ("trigger", r#"{"id": "7"}"#, false, Some("7")),
            ("lane-test", r#"{"id": "7"}"#, false, Some("7")),
            ("pause", r#"{"id": "7"}"#, true, Some("7")),
            ("pause", r#"{"id": "7", "force": true}"#, false, Some("7")),
            ("pause", r#"{"id": "7", "lane": "glass"}"#, false, Some("7")),
            ("pause", r#"{"id": 7}"#, false, None),
            ("pause", &long, false, None),
        ] {
            let verdict = Commands::new(&[Name::Pause]).judge(word, payload.as_bytes(), retained);
            let Verdict::Refused { id: told, .. } = verdict else { panic!("{word} {payload} gives {verdict:?}") };
            assert_eq!(told.as_deref(), id, "{word} {payload}");
        }
    }

    #[test]
    fn only_allowed_commands_are_carried_out_and_once_each() {
        let mut commands = Commands::new(&[Name::Pause]);
        let refused = |verdict| matches!(verdict, Verdict::Refused { .. });
        assert!(refused(commands.judge("resume", br#"{"id": "1"}"#, false)), "not in the list");
        assert!(refused(commands.judge("pause", br#"{"id": "1"}"#, true)), "retained");
        assert!(matches!(commands.judge("pause", br#"{"id": "1"}"#, false), Verdict::Accepted { .. }));
        let again = |result| Verdict::Repeated { id: "1".into(), result };
        assert_eq!(commands.judge("pause", br#"{"id": "1"}"#, false), again(None));
        commands.came_of("1", &Command::Pause, &Ok("paused".into()));
        assert_eq!(commands.judge("pause", br#"{"id": "1"}"#, false), again(Some(Ok("paused".into()))));
        commands.forget("1", &Command::Pause);
        assert!(matches!(commands.judge("pause", br#"{"id": "1"}"#, false), Verdict::Accepted { .. }));
        for n in 2..1000 {
            let accepted = commands.judge("pause", format!(r#"{{"id": "{n}"}}"#).as_bytes(), false);
            assert!(matches!(accepted, Verdict::Accepted { .. }), "{n}");
        }
        assert_eq!(commands.seen.len(), REMEMBERED, "memory stays bounded");
    }

    /// Payloads that are nearly right.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let value = prop_oneof![
            "[a-z0-9-]{0,70}".prop_map(|text| format!("\"{text}\"")),
            Just("null".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            Just("[{}]".to_owned()),
        ];
        let field = (prop::sample::select(vec!["id", "lane", "ID", "force", ""]), value);
        let object = prop::collection::vec(field, 0..4).prop_map(|fields| {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
            format!("{{{}}}", fields.join(", ")).into_bytes()
        });
        prop_oneof![object, prop::collection::vec(any::<u8>(), 0..1500)]
    }

    proptest! {
        #[test]
        fn whatever_comes_is_judged_and_only_a_right_one_is_accepted(
            word in prop_oneof![prop::sample::select(Name::ALL.to_vec()).prop_map(|name| name.as_str().to_owned()), ".{0,20}"],
            payload in nearly(),
            retained in any::<bool>(),
        ) {
            let mut commands = Commands::new(&[Name::Pause, Name::Trigger, Name::LaneTest]);
            let Verdict::Accepted { id, command } = commands.judge(&word, &payload, retained) else { return Ok(()) };
            prop_assert!(!retained && payload.len() <= LARGEST);
            prop_assert!((1..=ID_LENGTH).contains(&id.len()));
            let as_asked = match command {
                Command::Pause => word == "pause",
                Command::Trigger(_) => word == "trigger",
                Command::LaneTest(_) => word == "lane-test",
                _ => false,
            };
            prop_assert!(as_asked);
            let message: serde_json::Value = serde_json::from_slice(&payload).unwrap();
            prop_assert_eq!(&message["id"], &serde_json::Value::from(id.clone()));
            prop_assert_eq!(commands.judge(&word, &payload, false), Verdict::Repeated { id, result: None });
        }
    }
}

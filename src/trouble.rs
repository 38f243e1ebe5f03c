//! Something that goes wrong over and over, told as one incident: opened at once, closed when it has been calm.

use std::path::Path;
use std::time::Duration;

use crate::record::{Event, Incident, Missing, Phase, Words};
use crate::units::Timestamp;

/// Calm for so long, an incident is over.
const CALM: Duration = Duration::from_secs(60);

/// Stretches of missing events that one incident lists; with more it ends, and another one begins.
const STRETCHES: usize = 100;

/// The codes of incidents that list missing events, which the store keeps in mind until they are told.
pub const SET_ASIDE: &str = "event-set-aside";
/// As [`SET_ASIDE`].
pub const DROPPED: &str = "events-dropped";

/// One kind of trouble.
#[derive(Debug)]
pub struct Trouble {
    /// What the text quotes: a reason, a name.
    pub detail: String,
    /// What happened so many times and what to do, with that detail.
    pub text: fn(u64, &str) -> Words,
    /// The lane that it is about, where it is about one.
    lane: Option<String>,
    code: &'static str,
    count: u64,
    last: Option<Timestamp>,
    missing: Vec<Missing>,
}

impl Trouble {
    /// Trouble that is not there yet; `text` says what happened so many times and what to do.
    pub fn new(code: &'static str, text: fn(u64, &str) -> Words) -> Self {
        Self { detail: String::new(), lane: None, code, text, count: 0, last: None, missing: Vec::new() }
    }

    /// The same of one lane, which the text quotes.
    #[must_use]
    pub fn of_lane(self, lane: &str) -> Self {
        Self { detail: lane.to_owned(), lane: Some(lane.to_owned()), ..self }
    }

    /// The disk takes no events, this one among them: it is kept and sent once that is over. Meanwhile the station's
    /// `status` and the gauge `store_failing` tell it.
    pub fn failing() -> Self {
        Self::new("store-failing", |_, _| Words {
            en: "events cannot be written to disk; free space in the state directory or replace the card".into(),
            id: "data tidak dapat ditulis ke disk; hubungi teknisi (kosongkan ruang di direktori data, atau ganti \
                 kartunya)"
                .into(),
        })
    }

    /// Events never reached the disk.
    pub fn losing() -> Self {
        Self::new("events-lost", |n, _| Words {
            en: format!("{} lost before {} reached the disk; look for a slow or full disk", were(n, "event"), they(n)),
            id: format!("{n} data hilang sebelum sampai ke disk; hubungi teknisi (disk lambat atau penuh)"),
        })
    }

    /// Events were removed before the broker took them.
    pub fn dropping() -> Self {
        Self::new(DROPPED, |n, _| Words {
            en: format!(
                "{} removed to make room; bring the broker back, or raise store.max_bytes",
                were(n, "unsent event")
            ),
            id: format!(
                "{n} data yang belum terkirim dihapus karena ruang penuh; hubungi teknisi (pulihkan broker, atau \
                 naikkan store.max_bytes)"
            ),
        })
    }

    /// Events are on disk and cannot be read.
    pub fn reading() -> Self {
        Self::new("outbox-unreadable", |_, why| Words {
            en: format!("events cannot be read from disk to be sent ({why}); they are kept, look at the disk or card"),
            id: format!(
                "data yang akan dikirim tidak terbaca dari disk; data tetap disimpan, hubungi teknisi (periksa disk \
                 atau kartunya); rincian teknis: {why}"
            ),
        })
    }

    /// The broker cannot be reached, or ends each connection before it has taken anything.
    pub fn broker_lost() -> Self {
        Self::new("broker-lost", |_, why| Words {
            en: format!(
                "events do not reach the broker ({why}); they are kept and sent later, look at the network and the broker"
            ),
            id: format!(
                "data tidak sampai ke broker; data disimpan dan dikirim nanti, periksa jaringan dan brokernya; rincian \
                 teknis: {why}"
            ),
        })
    }

    /// Connections end again and again.
    pub fn unsteady() -> Self {
        Self::new("broker-unsteady", |_, _| Words {
            en: "the connection to the broker ends again and again: look for another station with this site and id, \
                 then at the network"
                .into(),
            id: "sambungan ke broker terus-menerus terputus: periksa jaringan, atau hubungi teknisi (cari stasiun \
                 lain dengan site dan id yang sama)"
                .into(),
        })
    }

    /// The clock is not set, and no certificate is valid at what it shows.
    pub fn clock_not_set() -> Self {
        Self::new("clock-not-set", |_, time| Words {
            en: format!(
                "the broker's certificate is not valid at {time}, since the clock is not set; events are kept, \
                 give the board a time server it can reach or a clock with a battery"
            ),
            id: format!(
                "sertifikat broker tidak berlaku pada {time} karena jam belum disetel; data disimpan, \
                 hubungi teknisi (sediakan server waktu yang terjangkau, atau jam berbaterai)"
            ),
        })
    }

    /// The broker takes no events for now.
    pub fn refused() -> Self {
        Self::new("broker-refuses", |_, reason| Words {
            en: format!("the broker refuses events ({reason}); they are kept, look at its rights and quotas"),
            id: format!(
                "broker menolak data; data disimpan, hubungi teknisi (periksa hak akses dan kuotanya); rincian teknis: \
                 {reason}"
            ),
        })
    }

    /// Somebody sends commands that are not for this station, again and again.
    pub fn hostile_commands() -> Self {
        Self::new("commands-refused", |n, _| Words {
            en: format!(
                "{} refused in a short time, and nothing was done; find out who publishes to this station's cmd \
                 topics, and let the broker allow that to few",
                were(n, "command")
            ),
            id: format!(
                "{n} perintah ditolak dalam waktu singkat dan tidak dijalankan; hubungi teknisi (cari siapa yang \
                 mengirim ke topik cmd stasiun ini, dan batasi haknya di broker)"
            ),
        })
    }

    /// The broker can never take an event.
    pub fn set_aside() -> Self {
        Self::new(SET_ASIDE, |n, reason| Words {
            en: format!(
                "{} set aside: the broker can never take {} ({reason}); see `pilah outbox`",
                were(n, "event"),
                if n == 1 { "it" } else { "them" }
            ),
            id: format!(
                "{n} data disisihkan: broker tidak akan pernah menerimanya; hubungi teknisi (`pilah outbox`); rincian \
                 teknis: {reason}"
            ),
        })
    }

    /// Counts `n` more of it; returns the incident's beginning if this is its first.
    pub fn note(&mut self, n: u64, now: Timestamp) -> Option<Event> {
        if n == 0 {
            return None;
        }
        self.count += n;
        let first = self.last.replace(now).is_none();
        first.then(|| self.incident(Phase::Opened))
    }

    /// Counts `n` more events as missing, and lists the numbers that will not come, some of which may be listed already;
    /// returns the incident's beginning if these are its first.
    pub fn miss(&mut self, Missing { first, last }: Missing, n: u64, now: Timestamp) -> Option<Event> {
        match self.missing.last_mut() {
            Some(before) if first <= before.last + 1 && before.first <= last + 1 => {
                *before = Missing { first: before.first.min(first), last: before.last.max(last) };
            }
            _ => self.missing.push(Missing { first, last }),
        }
        self.note(n, now)
    }

    /// As [`Self::miss`], of events that went missing in an earlier run and were not told of: all are listed at once.
    pub fn miss_all(&mut self, all: &[Missing], now: Timestamp) -> Option<Event> {
        self.missing.extend(all);
        self.note(all.iter().map(|one| (one.last + 1).saturating_sub(one.first)).sum(), now)
    }

    /// Begins what is bad and has not begun, ends what is good again and has.
    pub fn turn(&mut self, now: Timestamp, bad: bool, good: bool) -> Option<Event> {
        match (bad, good) {
            (true, _) if !self.is_open() => self.note(1, now),
            (false, true) => self.over(),
            _ => None,
        }
    }

    /// Whether it has begun and not ended.
    pub fn is_open(&self) -> bool {
        self.last.is_some()
    }

    /// The incident's end, once it has been calm for a minute.
    pub fn calm(&mut self, now: Timestamp) -> Option<Event> {
        self.last.filter(|last| now.since(*last) >= CALM || self.missing.len() >= STRETCHES).and_then(|_| self.over())
    }

    /// The incident's end, if there is one to end.
    pub fn over(&mut self) -> Option<Event> {
        self.last.take()?;
        let event = self.incident(Phase::Closed);
        self.count = 0;
        self.missing.clear();
        Some(event)
    }

    fn incident(&self, phase: Phase) -> Event {
        let (text, missing) = ((self.text)(self.count, &self.detail), self.missing.clone());
        let (incident, lane) = (self.code.to_owned(), self.lane.clone());
        Event::Incident(Incident { incident, lane, phase, text, missing })
    }
}

/// Something that the log tells over and over: at once, and then once a minute with how often it happened.
#[derive(Debug, Default)]
pub struct Repeated {
    said: Option<Timestamp>,
    unsaid: u64,
}

impl Repeated {
    /// It happened; how often since it was last said, where it is to be said now.
    pub fn note(&mut self, now: Timestamp) -> Option<u64> {
        self.unsaid += 1;
        if self.said.is_some_and(|said| now.since(said) < CALM) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// So many of something, and the verb.
fn were(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one} was") } else { format!("{n} {one}s were") }
}

fn they(n: u64) -> &'static str {
    if n == 1 { "it" } else { "they" }
}

/// The store's file was moved to `to`, with what the broker had not taken. It is over as it is told: a new file is there.
pub fn moved_aside(to: &Path, missing: Option<Missing>) -> [Event; 2] {
    let to = to.display();
    let text = Words {
        en: format!("the store could not be read and was moved to {to}; a new one was started, look at the disk"),
        id: format!(
            "berkas data tidak terbaca dan dipindahkan ke {to}; yang baru telah dibuat, hubungi teknisi (periksa disk)"
        ),
    };
    let (incident, missing) = ("store-unreadable".to_owned(), missing.into_iter().collect());
    let over = incident_over(&incident);
    [Event::Incident(Incident { incident, lane: None, phase: Phase::Opened, text, missing }), over]
}

/// An incident that ends.
pub fn incident_over(code: &str) -> Event {
    let text = Words { en: "over".into(), id: "selesai".into() };
    of_station(code, Phase::Closed, text)
}

/// An incident that begins.
pub fn incident(code: &str, en: &str, id: &str) -> Event {
    let text = Words { en: en.into(), id: id.into() };
    of_station(code, Phase::Opened, text)
}

fn of_station(code: &str, phase: Phase, text: Words) -> Event {
    Event::Incident(Incident { incident: code.into(), lane: None, phase, text, missing: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &Event) -> (&str, Phase) {
        let Event::Incident(incident) = event else { panic!("{event:?} is no incident") };
        (&incident.text.en, incident.phase)
    }

    #[test]
    fn missing_events_are_listed_at_the_end() {
        let mut drops = Trouble::dropping();
        let mut miss = |first, last, n| drops.miss(Missing { first, last }, n, Timestamp::ZERO).is_some();
        assert!(miss(3, 5, 3));
        assert!(!miss(3, 9, 4), "told from the beginning again");
        assert!(!miss(20, 20, 1));
        let Some(Event::Incident(end)) = drops.over() else { panic!("it ends") };
        assert_eq!(end.missing, [Missing { first: 3, last: 9 }, Missing { first: 20, last: 20 }]);
        assert!(end.text.en.starts_with("8 unsent"), "{}", end.text.en);
    }

    #[test]
    fn what_repeats_is_said_at_once_and_then_once_a_minute() {
        let mut repeated = Repeated::default();
        let mut said = |s: u64| repeated.note(Timestamp::from_millis(s * 1000));
        assert_eq!([said(0), said(1), said(59), said(60), said(61)], [Some(1), None, None, Some(3), None]);
    }

    #[test]
    fn repeated_trouble_is_one_incident() {
        let mut drops = Trouble::new("drops", |n, _| Words { en: format!("{n} lost"), id: format!("{n} hilang") });
        assert!(drops.note(0, Timestamp::ZERO).is_none());
        assert!(drops.calm(Timestamp::from_millis(90_000)).is_none(), "nothing happened");
        assert_eq!(text(&drops.note(2, Timestamp::ZERO).unwrap()), ("2 lost", Phase::Opened));
        assert!(drops.note(3, Timestamp::from_millis(30_000)).is_none());
        assert!(drops.calm(Timestamp::from_millis(89_999)).is_none());
        assert_eq!(text(&drops.calm(Timestamp::from_millis(90_000)).unwrap()), ("5 lost", Phase::Closed));
        assert_eq!(text(&drops.note(1, Timestamp::from_millis(90_001)).unwrap()), ("1 lost", Phase::Opened));
    }
}

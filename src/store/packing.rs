//! How events lie in the database: those of one commit in one row, without what they repeat, compressed.
//!
//! A decision and an outcome of a thousand bytes become some two hundred in one row, and an SD card's life is counted
//! in what is written. What is read back is the same text each time, whatever version of the program wrote it.
//!
//! A row's body: a byte for the packing, the heads of its events, the length of their texts, and the texts: each
//! event's JSON without the envelope, behind one another with a zero between. A head is a byte of flags, the wall
//! time since the head before, and the item's 16 bytes where there is one. Four bytes at the end are a checksum of the
//! whole row, numbers and run included: what an SD card has changed is never sent as if it had happened.

use anyhow::{Context, Result, bail, ensure};
use zstd::bulk::{Compressor, Decompressor};

use super::history::Stored;
use crate::clock::WallTime;
use crate::record::{Event, EventKind, Record};
use crate::units::ItemId;

/// What payloads have in common, by `examples/dictionary.rs`. It must never change, since what it packed can only be
/// unpacked with it: a better one gets a number of its own in [`Packing`].
const DICTIONARY: &[u8] = include_bytes!("payload-1.dictionary");

/// Of a head's flags: the kind, whether the clock was synchronized, whether there is an item.
const KIND: u8 = 0x0f;
const SYNCHRONIZED: u8 = 0x10;
const WITH_ITEM: u8 = 0x20;

/// Stands for the item's id in a text. JSON has no such character.
const ITEM: &str = "\u{1}";

/// Levels 9 to 19 pack these texts alike.
const LEVEL: i32 = 9;

/// What every zstd frame begins with; not written.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Events in one row at most: a reader unpacks whole rows.
pub(super) const ROW_EVENTS: usize = 64;

/// Longer texts are kept as they are, and no longer ones are unpacked: real ones have 64 KiB at most.
const LONGEST: usize = 16 << 20;

/// The first byte of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// The texts themselves.
    Plain = 0,
    /// A zstd frame without its magic number, by the first dictionary.
    Dictionary1 = 1,
}

/// Packs what is committed.
pub(super) struct Packer {
    zstd: Compressor<'static>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    pub(super) fn new() -> Result<Self> {
        let mut zstd = Compressor::with_dictionary(LEVEL, DICTIONARY).context("loading the payloads' dictionary")?;
        zstd.include_checksum(false)?;
        zstd.include_contentsize(false)?;
        zstd.include_dictid(false)?;
        Ok(Self { zstd })
    }

    /// The body of a row with these events of a run, the first of which has this number.
    pub(super) fn pack<'a>(
        &mut self,
        first: u64,
        boot: &str,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<Vec<u8>> {
        let (mut heads, mut texts, mut before, mut count) = (Vec::new(), String::new(), 0, 0);
        for record in records {
            if count > 0 {
                texts.push('\0');
            }
            count += 1;
            push_head(&mut heads, record, &mut before);
            texts.push_str(&text(&record.event)?);
        }
        let mut body = vec![Packing::Plain as u8];
        push_number(&mut heads, texts.len());
        body.append(&mut heads);
        if texts.len() > LONGEST {
            body.extend(texts.as_bytes());
        } else {
            body[0] = Packing::Dictionary1 as u8;
            let packed = self.zstd.compress(texts.as_bytes()).context("packing events")?;
            body.extend(packed.strip_prefix(&MAGIC).context("packing events: not a zstd frame")?);
        }
        body.extend(checksum(first, count, boot, &body));
        Ok(body)
    }
}

/// FNV-1a, folded: flips of a few bits change it.
fn checksum(first: u64, count: u64, boot: &str, body: &[u8]) -> [u8; 4] {
    let numbers = [first.to_le_bytes(), count.to_le_bytes()].concat();
    let bytes = numbers.iter().chain(boot.as_bytes()).chain(body);
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let [a, b, c, d, e, f, g, h] = hash.to_le_bytes();
    [a ^ e, b ^ f, c ^ g, d ^ h]
}

fn push_head(heads: &mut Vec<u8>, record: &Record, before: &mut i64) {
    let kind = record.event.kind() as u8;
    let item = record.event.item();
    let synchronized = if record.wall.synchronized { SYNCHRONIZED } else { 0 };
    heads.push(kind | synchronized | if item.is_some() { WITH_ITEM } else { 0 });
    let since = record.wall.unix_ms.wrapping_sub(*before);
    *before = record.wall.unix_ms;
    // The sign goes to the lowest bit, so that small numbers of either sign are short.
    push_varint(heads, ((since << 1) ^ (since >> 63)).cast_unsigned());
    heads.extend(item.into_iter().flat_map(|item| item.0.to_bytes()));
}

fn text(event: &Event) -> Result<String> {
    let json = serde_json::to_string(event).context("writing an event as JSON")?;
    Ok(event.item().map_or_else(|| json.clone(), |item| json.replace(&item.to_string(), ITEM)))
}

fn push_number(bytes: &mut Vec<u8>, number: usize) {
    push_varint(bytes, u64::try_from(number).unwrap_or(u64::MAX));
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(0x80 | u8::try_from(number & 0x7f).unwrap_or(0));
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().context("it ends too early")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    bail!("a number in it has no end")
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Packed {
    /// The number of its first event.
    pub(super) first: u64,
    /// How many events it has.
    pub(super) count: u64,
    pub(super) boot: String,
    pub(super) body: Vec<u8>,
}

/// What is known of an event before its text is unpacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    kind: EventKind,
    pub(super) wall: WallTime,
    pub(super) item: Option<ItemId>,
}

impl Packed {
    /// The heads of its events, and what follows them.
    fn heads_and_rest(&self) -> Result<(Vec<Head>, &[u8])> {
        let (body, _) = self.body.split_last_chunk::<4>().context("it is empty")?;
        let mut rest = body.get(1..).context("it is empty")?;
        let (mut heads, mut unix_ms) = (Vec::new(), 0_i64);
        for _ in 0..self.count {
            let (flags, more) = rest.split_first().context("it ends too early")?;
            rest = more;
            let kind = usize::from(flags & KIND);
            let kind = *EventKind::ALL.get(kind).with_context(|| format!("an event of the unknown kind {kind}"))?;
            let since = take_varint(&mut rest)?;
            unix_ms = unix_ms.wrapping_add((since >> 1).cast_signed() ^ -(since & 1).cast_signed());
            let mut item = None;
            if flags & WITH_ITEM != 0 {
                let (id, more) = rest.split_first_chunk().context("it ends too early")?;
                rest = more;
                item = Some(ItemId(ulid::Ulid::from_bytes(*id)));
            }
            heads.push(Head { kind, wall: WallTime { unix_ms, synchronized: flags & SYNCHRONIZED != 0 }, item });
        }
        Ok((heads, rest))
    }

    /// Whether it is as it was written.
    fn is_whole(&self) -> bool {
        let parts = self.body.split_last_chunk::<4>();
        parts.is_some_and(|(body, sum)| checksum(self.first, self.count, &self.boot, body) == *sum)
    }

    /// The heads of its events.
    ///
    /// # Errors
    /// When it is damaged.
    pub(super) fn heads(&self) -> Result<Vec<Head>> {
        self.heads_and_rest().map(|(heads, _)| heads)
    }
}

/// Unpacks what was committed.
pub(super) struct Unpacker {
    zstd: Decompressor<'static>,
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unpacker")
    }
}

impl Unpacker {
    pub(super) fn new() -> Result<Self> {
        let zstd = Decompressor::with_dictionary(DICTIONARY).context("loading the payloads' dictionary")?;
        Ok(Self { zstd })
    }

    /// The events of a row as they are sent, in order. Of a damaged row each has its number and says what is wrong.
    pub(super) fn events(&mut self, row: &Packed) -> Vec<Stored> {
        self.unpack(row).unwrap_or_else(|wrong| {
            let damage = format!("{wrong:#}");
            let damaged = |seq| Stored { seq, kind: None, payload: String::new(), damage: Some(damage.clone()) };
            (row.first..row.first.saturating_add(row.count)).map(damaged).collect()
        })
    }

    fn unpack(&mut self, row: &Packed) -> Result<Vec<Stored>> {
        ensure!(row.is_whole(), "its bytes have changed");
        let (heads, mut rest) = row.heads_and_rest()?;
        let length = usize::try_from(take_varint(&mut rest)?)?;
        let texts = self.texts(row.body[0], rest, length)?;
        let texts: Vec<&str> = texts.split('\0').collect();
        ensure!(texts.len() == heads.len(), "it has {} texts for {} events", texts.len(), heads.len());
        let boot = serde_json::to_string(&row.boot)?;
        let event = |((seq, head), text): ((u64, Head), &str)| {
            let payload = payload(seq, &boot, &head, text)?;
            Ok(Stored { seq, kind: Some(head.kind), payload, damage: None })
        };
        (row.first..).zip(heads).zip(texts).map(event).collect()
    }

    fn texts(&mut self, packing: u8, packed: &[u8], length: usize) -> Result<String> {
        let texts = if packing == Packing::Plain as u8 {
            packed.to_vec()
        } else if packing == Packing::Dictionary1 as u8 {
            ensure!(length <= LONGEST, "it claims to have {length} bytes");
            self.zstd.decompress(&[&MAGIC, packed].concat(), length).context("it cannot be unpacked")?
        } else {
            bail!("it is packed in the unknown way {packing}");
        };
        ensure!(texts.len() == length, "it has {} bytes instead of {length}", texts.len());
        String::from_utf8(texts).context("it is no text")
    }
}

fn payload(seq: u64, boot: &str, head: &Head, text: &str) -> Result<String> {
    let text = head.item.map_or_else(|| text.to_owned(), |item| text.replace(ITEM, &item.to_string()));
    let fields = text.strip_prefix('{').context("it is no JSON object")?;
    let (schema, time, synchronized) = (head.kind.schema(), head.wall.rfc3339(), head.wall.synchronized);
    Ok(format!(
        r#"{{"schema":"{schema}","seq":{seq},"boot":{boot},"time":"{time}","clock_synchronized":{synchronized},{fields}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Envelope;
    use crate::sim::samples;

    fn row(records: &[Record]) -> Packed {
        let boot = "01M81PJVEZY98G1HX17SP3SXHS";
        let body = Packer::new().unwrap().pack(7, boot, records.iter()).unwrap();
        Packed { first: 7, count: records.len().try_into().unwrap(), boot: boot.into(), body }
    }

    fn events(row: &Packed) -> Vec<Stored> {
        Unpacker::new().unwrap().events(row)
    }

    #[test]
    fn payloads_come_back_as_the_types_write_them() {
        let mut early = samples::incident(3);
        early.wall = WallTime { unix_ms: -5, synchronized: false };
        let records = [samples::decision(1), early, samples::outcome(2), samples::decision(3)];
        let back = events(&row(&records));
        assert_eq!(back.len(), records.len());
        for (seq, (record, back)) in (7..).zip(records.iter().zip(&back)) {
            let whole = Envelope {
                schema: format!("pilah/{}/1", record.event.kind()),
                seq,
                boot: "01M81PJVEZY98G1HX17SP3SXHS".into(),
                time: record.wall.rfc3339(),
                clock_synchronized: record.wall.synchronized,
                body: &record.event,
            };
            assert_eq!(back.payload, serde_json::to_string(&whole).unwrap());
            assert_eq!((back.seq, back.kind), (seq, Some(record.event.kind())));
        }
    }

    #[test]
    fn payloads_become_small() {
        let row = row(&[samples::outcome(1), samples::decision(6)]);
        let texts: usize = events(&row).iter().map(|event| event.payload.len()).sum();
        assert!(row.body.len() * 4 < texts, "{} of {texts} bytes", row.body.len());
    }

    #[test]
    fn a_text_of_any_length_and_with_any_character_comes_back() {
        for text in ["x".repeat(LONGEST + 1), "\u{1} \u{0} \" \\ 日本".to_owned(), String::new()] {
            let mut record = samples::incident(1);
            let Event::Incident(incident) = &mut record.event else { panic!("an incident") };
            incident.text.en.clone_from(&text);
            let back = events(&row(&[samples::decision(1), record.clone()]));
            let envelope: Envelope = serde_json::from_str(&back[1].payload).unwrap();
            assert_eq!(envelope.body, record.event);
        }
    }

    #[test]
    fn damage_is_said_of_each_event_and_never_sent() {
        let records = [samples::decision(1), samples::outcome(1)];
        let whole = row(&records);
        assert!(events(&whole).iter().all(|event| event.damage.is_none()));
        for index in 0..whole.body.len() {
            let mut row = row(&records);
            row.body[index] ^= 4;
            let back = events(&row);
            assert_eq!(back.iter().map(|event| event.seq).collect::<Vec<_>>(), [7, 8]);
            assert!(back.iter().all(|event| event.damage.is_some() && event.payload.is_empty()), "byte {index}");
        }
        let mut moved = row(&records);
        moved.first = 8;
        assert!(events(&moved).iter().all(|event| event.damage.is_some()), "its number is part of it");
        let mut short = row(&records);
        short.count = 9;
        assert_eq!(events(&short).len(), 9);
    }
}

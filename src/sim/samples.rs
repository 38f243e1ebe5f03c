//! Events as a line makes them, for tests and measurements.

use std::collections::BTreeMap;

use crate::clock::WallTime;
use crate::record::{
    Decision, Ending, Event, Incident, Outcome, Phase, Reading, Readings, Reason, Record, Score, Words,
};
use crate::units::ItemId;

/// Wall time of the `n`th event: one each 100 ms.
pub fn wall(n: u64) -> WallTime {
    let since = i64::try_from(n * 100).unwrap_or(i64::MAX);
    WallTime { unix_ms: 1_700_000_000_000_i64.saturating_add(since), synchronized: true }
}

/// The `n`th item.
pub fn item(n: u64) -> ItemId {
    ItemId(ulid::Ulid::from_parts(1_700_000_000_000 + n * 100, u128::from(n)))
}

/// The decision about the `n`th item, with every field in use.
pub fn decision(n: u64) -> Record {
    let score = |class: &str, p| Score { class: class.into(), p };
    let reading = |value: &str| Some(Reading { value: value.into(), confidence: 0.98 });
    let stages = [("capture", 12.4), ("preprocess", 4.1), ("infer", 31.7), ("read", 8.2), ("decide", 61.9)];
    let event = Event::Decision(Box::new(Decision {
        id: item(n),
        class: Some("REG_JAWA".into()),
        advice: Some(Words { en: "Put it on the Java line.".into(), id: "Letakkan di jalur Jawa.".into() }),
        confidence: 0.97,
        scores: vec![score("REG_JAWA", 0.97), score("REG_LUARJAWA", 0.02), score("unknown", 0.01)],
        readings: Some(Readings { awb: reading("JX1234567890"), postal_code: reading("40132"), ..Readings::default() }),
        reason: Reason::Confident,
        target_lane: "java".into(),
        model: "parcels 1.0.0".into(),
        picture: Some(crate::record::PictureView::Sure.id(item(n))),
        frames: 3,
        stages_ms: stages.into_iter().map(|(stage, ms)| (stage.to_owned(), ms)).collect::<BTreeMap<_, _>>(),
    }));
    Record { wall: wall(n), event }
}

/// Where the `n`th item ended.
pub fn outcome(n: u64) -> Record {
    let event = Event::Outcome(Outcome {
        id: item(n),
        outcome: Ending::Diverted,
        target_lane: "java".into(),
        actual_lane: Some("java".into()),
        confirmed_ms: Some(2_412.5),
    });
    Record { wall: wall(n), event }
}

/// An incident that begins.
pub fn incident(n: u64) -> Record {
    let text =
        Words { en: "the camera is lost; look at its cable".into(), id: "kamera hilang; periksa kabelnya".into() };
    let event = Event::Incident(Incident {
        incident: "camera-lost".into(),
        lane: None,
        phase: Phase::Opened,
        text,
        missing: Vec::new(),
    });
    Record { wall: wall(n), event }
}

//! What tells apart stations that should run alike: digests of their nets, configuration and routing table.

use std::collections::BTreeMap;
use std::fs;

use sha2::{Digest, Sha256};

use crate::app::station::{manifest, models};
use crate::config::Config;

/// So many hexadecimal digits tell files of one fleet apart.
const DIGITS: usize = 8;

/// The first eight digits of a SHA-256 each: of every model's net, by the model's name; of the configuration as it is in
/// force, `PILAH__` variables with it and all names of this one station left out, as `configuration`; of the depot's
/// table, as `routing`. What cannot be read is left out.
pub fn digests(config: &Config) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    for manifest in models(config).filter_map(|(_, model, _)| manifest(model).ok()) {
        digests.insert(manifest.name, manifest.sha256.chars().take(DIGITS).collect());
    }
    let mut alike = config.clone();
    let (station, mqtt) = (&mut alike.station, &mut alike.mqtt);
    for name in [&mut station.site, &mut station.id, &mut mqtt.client_id, &mut mqtt.username] {
        name.clear();
    }
    if let Ok(settings) = serde_json::to_vec(&alike) {
        digests.insert("configuration".into(), digest(&settings));
    }
    let routing = config.read.as_ref().and_then(|read| fs::read(read.routing.as_ref()?).ok());
    digests.extend(routing.map(|table| ("routing".into(), digest(&table))));
    digests
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_that_run_alike_have_the_same_digests_whatever_they_are_called() {
        let text = include_str!("../../config/parcels.toml");
        let of = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            digests(&Config::parse("parcels.toml".as_ref(), text, variables).unwrap())
        };
        let (first, other) = (of(&[]), of(&[("PILAH__BELT__SPEED_MM_S", "480")]));
        assert_eq!(first.keys().collect::<Vec<_>>(), ["configuration", "digits", "label-lines", "label-text"]);
        assert!(first.values().all(|digest| digest.len() == DIGITS), "{first:?}");
        assert_eq!(first, of(&[("PILAH__STATION__ID", "belt-7"), ("PILAH__MQTT__USERNAME", "belt-7")]));
        assert_eq!(first["label-text"], other["label-text"]);
        assert_ne!(first["configuration"], other["configuration"]);
    }
}

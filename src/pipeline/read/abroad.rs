//! Says whether a label names another country, or a place there.

use crate::pipeline::read::distance::{distance, tolerated};

/// Whether words, run together, name another country or a place there.
pub fn is_abroad(words: &str) -> bool {
    ABROAD.iter().any(|place| {
        let most = if place.len() < 7 { 0.0 } else { tolerated(place.len()).min(1.0) };
        distance(words.as_bytes(), place.as_bytes(), most).is_some()
    })
}

/// Countries, and places of neighbours whose names no Indonesian place has.
const ABROAD: &[&str] = &[
    "MALAYSIA",
    "SINGAPORE",
    "SINGAPURA",
    "TIMORLESTE",
    "THAILAND",
    "PHILIPPINES",
    "PHILIPPINE",
    "FILIPINA",
    "BRUNEI",
    "VIETNAM",
    "AUSTRALIA",
    "HONGKONG",
    "TAIWAN",
    "JEPANG",
    "JAPAN",
    "KOREA",
    "CHINA",
    "TIONGKOK",
    "INDIA",
    "SAUDI",
    "SAUDIARABIA",
    "SELANGOR",
    "JOHOR",
    "JOHORBAHRU",
    "KUALALUMPUR",
    "PETALINGJAYA",
    "PULAUPINANG",
    "PENANG",
    "SARAWAK",
    "SABAH",
    "KUCHING",
    "KOTAKINABALU",
    "MELAKA",
    "PAHANG",
    "KEDAH",
    "KELANTAN",
    "TERENGGANU",
    "PERLIS",
    "NEGERISEMBILAN",
    "PUTRAJAYA",
    "SHAHALAM",
    "BANGKOK",
    "MANILA",
    "METROMANILA",
    "QUEZONCITY",
    "CEBU",
    "DILI",
    "BAUCAU",
    "UNITEDSTATES",
    "USA",
    "NETHERLANDS",
    "UAE",
    "DUBAI",
    "QATAR",
    "PAPUANEWGUINEA",
    "PNG",
    "PORTMORESBY",
    "MYANMAR",
    "CAMBODIA",
    "LAOS",
    "NEWZEALAND",
    "UNITEDKINGDOM",
    "GERMANY",
    "FRANCE",
    "CANADA",
    "HATYAI",
    "PHUKET",
    "SONGKHLA",
    "CEBUCITY",
    "GEORGETOWN",
    "IPOH",
    "BATUPAHAT",
    "KUANTAN",
    "ALORSETAR",
    "BANDARSERIBEGAWAN",
    "SEREMBAN",
    "PERAK",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_of_the_gazetteer_is_abroad() {
        let gazetteer = crate::pipeline::read::gazetteer::Gazetteer::shipped().unwrap();
        for name in &gazetteer.provinces {
            assert!(!is_abroad(&name.replace(' ', "")), "{name}");
        }
        for regency in &gazetteer.regencies {
            let own = crate::pipeline::read::names::own_name(regency.name).replace(' ', "");
            assert!(!is_abroad(&own), "{own}");
        }
    }
}

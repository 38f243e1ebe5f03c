//! Weighs what an address says: which regency it means, how much speaks for that, and what speaks against it.
//!
//! Every name and every postal code is a witness for some regencies, with a weight in nats: how much likelier the
//! text is if the parcel goes there. The weights of a regency add up; the best regency of each region is compared
//! with the best of the other one. So a street called Surabaya cannot outweigh a code, a district and a province
//! that agree, and two witnesses that contradict each other leave nothing sure.

use std::cmp::Ordering;

use crate::pipeline::read::codes::{self, Seen};
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::mentions::{Mention, Target, mentions};
use crate::pipeline::read::names::Names;
use crate::pipeline::read::region_of_province;
use crate::pipeline::read::text::Glyph;
use crate::pipeline::read::tokens::tokens;

/// The regions, as lanes name them.
pub const REGIONS: [&str; 2] = ["JAWA", "LUAR_JAWA"];

/// What a postal code weighs that was read for sure and exists.
const CODE: f32 = 10.0;
/// What a code weighs more when a word announces it.
const ANNOUNCED: f32 = 0.5;
/// How flat the weights are made before they become probabilities: witnesses are not independent.
const FLAT: f32 = 1.3;
/// What stands for "none of these": less than this is no reading.
const ELSEWHERE: f32 = 5.0;

/// What an address comes to.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// Each region's best sum of weights, in the order of [`REGIONS`].
    pub regions: [f32; 2],
    /// The likeliest regency.
    pub regency: Option<Found<u16>>,
    /// The likeliest regency's province.
    pub province: Option<Found<u16>>,
    /// The postal code, corrected by the names where the net was unsure.
    pub code: Option<Found<u32>>,
    /// The heaviest witness against the better region.
    pub against: f32,
    /// How many witnesses of names agree with the likeliest regency.
    pub names: u32,
    /// Whether another country is named.
    pub abroad: bool,
    /// Numbers that look like postal codes and are none.
    pub odd_codes: u32,
}

/// A place or code with its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<T> {
    /// What was found.
    pub what: T,
    /// How sure that is, 0 to 1.
    pub p: f32,
}

impl Address {
    /// The better region's place in [`REGIONS`].
    pub fn region(&self) -> usize {
        usize::from(self.regions[1] > self.regions[0])
    }

    /// Weight of the better region.
    pub fn weight(&self) -> f32 {
        self.regions[0].max(self.regions[1])
    }

    /// Weight of the other region.
    pub fn other_weight(&self) -> f32 {
        self.regions[0].min(self.regions[1])
    }

    /// Probability of the better region, by the weights alone.
    pub fn p(&self) -> f32 {
        let power = |weight: f32| ((weight - self.weight()) / FLAT).exp();
        1.0 / (1.0 + power(self.other_weight()) + power(ELSEWHERE))
    }
}

/// Weighs the lines of an address; `glyphs` are its characters, each line ending with `\n`.
pub fn weigh(glyphs: &[Glyph], gazetteer: &Gazetteer, names: &Names) -> Address {
    let tokens = tokens(glyphs);
    let (found, abroad) = mentions(&tokens, gazetteer, names);
    let numbers = codes::seen(glyphs, &tokens, gazetteer);
    let rows: Vec<Vec<f32>> = found.iter().map(|mention| row(mention, gazetteer)).collect();
    let by_names = sum(&rows, gazetteer.regencies.len());
    let code_rows: Vec<Vec<f32>> = numbers.iter().map(|seen| code_row(seen, gazetteer)).collect();
    let mut all = by_names.clone();
    for row in &code_rows {
        all.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
    }
    let mut address = Address { abroad, ..Address::default() };
    address.odd_codes = count(numbers.iter().filter(|seen| gazetteer.districts_of_code(seen.read).next().is_none()));
    let region_of = |regency: usize| {
        let province = gazetteer.provinces[usize::from(gazetteer.regencies[regency].province)];
        usize::from(region_of_province(province) != REGIONS[0])
    };
    for (regency, weight) in all.iter().enumerate() {
        let region = &mut address.regions[region_of(regency)];
        *region = region.max(*weight);
    }
    let Some((best, weight)) = all.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return address;
    };
    if weight <= 0.0 {
        return address;
    }
    let whole = total(&all, weight, |_| true) + ((ELSEWHERE - weight) / FLAT).exp();
    let province = gazetteer.regencies[best].province;
    let in_province = total(&all, weight, |regency| gazetteer.regencies[regency].province == province);
    address.regency = u16::try_from(best).ok().map(|what| Found { what, p: 1.0 / whole });
    address.province = Some(Found { what: province, p: in_province / whole });
    address.names = count(rows.iter().filter(|row| row[best] > 0.0));
    let against = rows.iter().chain(&code_rows).filter(|row| row[best] <= 0.0).flat_map(|row| {
        row.iter().enumerate().filter(|(regency, _)| region_of(*regency) != region_of(best)).map(|(_, weight)| *weight)
    });
    address.against = against.fold(0.0, f32::max);
    address.code = code(&numbers, &by_names, gazetteer);
    address
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

/// The weights of the wanted regencies as powers, the best one's being 1.
fn total(weights: &[f32], best: f32, wanted: impl Fn(usize) -> bool) -> f32 {
    let some = weights.iter().enumerate().filter(|(regency, _)| wanted(*regency));
    some.map(|(_, weight)| ((weight - best) / FLAT).exp()).sum()
}

fn sum(rows: &[Vec<f32>], regencies: usize) -> Vec<f32> {
    let mut sum = vec![0.0; regencies];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
    }
    sum
}

/// What a name weighs for each regency.
fn row(mention: &Mention, gazetteer: &Gazetteer) -> Vec<f32> {
    let mut row = vec![0.0f32; gazetteer.regencies.len()];
    let mut raise = |regency: u16, weight: f32| {
        let cell = &mut row[usize::from(regency)];
        *cell = cell.max(weight);
    };
    let of_district = |district: u16| gazetteer.districts[usize::from(district)].regency;
    for (target, weight) in &mention.targets {
        match *target {
            Target::Province(province) => {
                let inside = (0u16..).zip(&gazetteer.regencies).filter(|(_, regency)| regency.province == province);
                inside.for_each(|(regency, _)| raise(regency, *weight));
            }
            Target::Regency(regency) => raise(regency, *weight),
            Target::District(district) => raise(of_district(district), *weight),
            Target::Village(ref districts) => {
                districts.iter().for_each(|&district| raise(of_district(district), *weight));
            }
        }
    }
    row
}

fn code_row(seen: &Seen, gazetteer: &Gazetteer) -> Vec<f32> {
    let mut row = vec![0.0f32; gazetteer.regencies.len()];
    let most = if seen.announced { CODE + ANNOUNCED } else { CODE };
    for &(code, p) in &seen.choices {
        for district in gazetteer.districts_of_code(code) {
            let cell = &mut row[usize::from(gazetteer.districts[usize::from(district)].regency)];
            *cell = cell.max(most + p.ln());
        }
    }
    row
}

/// The likeliest code: by how it looks, and by how well the names go with it.
fn code(numbers: &[Seen], by_names: &[f32], gazetteer: &Gazetteer) -> Option<Found<u32>> {
    let weigh = |&(code, p): &(u32, f32)| {
        let regencies =
            gazetteer.districts_of_code(code).map(|district| gazetteer.districts[usize::from(district)].regency);
        let names = regencies.map(|regency| by_names[usize::from(regency)]).fold(0.0, f32::max);
        (code, p.ln() + names / FLAT)
    };
    let all: Vec<(u32, f32)> = numbers
        .iter()
        .flat_map(|seen| {
            let bonus = if seen.announced { 1.0 } else { 0.0 };
            seen.choices.iter().map(weigh).map(move |(code, weight)| (code, weight + bonus))
        })
        .collect();
    let &(what, best) = all.iter().max_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal))?;
    let others: f32 = all.iter().filter(|(code, _)| *code != what).map(|(_, weight)| (weight - best).exp()).sum();
    // How it looks must not be far from what was read: a code is not made up from the names.
    let looks = numbers.iter().flat_map(|seen| &seen.choices).filter(|(code, _)| *code == what);
    let looks = looks.map(|(_, p)| *p).fold(0.0, f32::max);
    (looks > 1e-4).then_some(Found { what, p: (1.0 / (1.0 + others)).min(0.5 + looks.sqrt()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(text: &str) -> (Address, Gazetteer) {
        let gazetteer = Gazetteer::shipped().unwrap();
        let glyphs: Vec<Glyph> = text.chars().map(|c| Glyph { c, p: 0.99, other: None }).collect();
        (weigh(&glyphs, &gazetteer, &Names::of(&gazetteer)), gazetteer)
    }

    #[test]
    fn addresses_as_people_write_them_lead_to_their_regency() {
        for (text, regency, code, sure) in [
            (
                "Made Chaniago 0826-xxxx-1332\nJL. MERDEKA No. 18 RT08/08 - SIPIRA -\nkabupaten SAMOSIR - kec ONAN Runggu -\nSumut - 22398\n",
                "KABUPATEN SAMOSIR",
                Some(22398),
                true,
            ),
            (
                "Ratna Saputra ((+62)845****382)\njl. gatot subroto blk c3/45 rt08 rw04, desa muntilan, kab.\nmagelang, kec muntilan, jateng, 56411\n",
                "KABUPATEN MAGELANG",
                Some(56411),
                true,
            ),
            (
                "Distro Kaki Lima\nJKT\nTimur,DKI\njakarta(13350)\n082217897982\n",
                "KOTA ADMINISTRASI JAKARTA TIMUR",
                Some(13350),
                true,
            ),
            (
                "Grace Mandacan\nJl. sumatra KAV. 48 RT 05/RW 04,KECAMATAN Galing,Kab.\nSambas\n0839-xxxx-1365\n",
                "KABUPATEN SAMBAS",
                None,
                true,
            ),
            (
                "Bpk Bambang Walangitan\nJL. YOS SUDARSO NO.\n108 - KEC.SAMBI -\nKAB. BOYOLALI - JAWA TENGAH\n0854 0420 5501\n",
                "KABUPATEN BOYOLALI",
                None,
                true,
            ),
            (
                "Grace Gunawan 087917440856\nlingk. tengah blok a185 rt07/06,kec. kesambi,cirebon,45133\n",
                "KOTA CIREBON",
                Some(45133),
                true,
            ),
            ("Budi\nJl. Surabaya No 5, Kec. Medan Kota, Kota Medan, Sumut\n", "KOTA MEDAN", None, true),
            ("Budi\nJl. Medan 12, Kec. Lowokwaru, Kota Malang 65141\n", "KOTA MALANG", Some(65141), true),
        ] {
            let (address, gazetteer) = weighed(text);
            let found = address.regency.expect(text);
            assert_eq!(gazetteer.regencies[usize::from(found.what)].name, regency, "{text}{address:?}");
            assert_eq!(address.code.map(|code| code.what), code, "{text}{address:?}");
            assert_eq!(address.p() > 0.98, sure, "{text}{address:?} {}", address.p());
        }
    }

    #[test]
    fn contradictions_and_foreign_places_leave_nothing_sure() {
        let (address, _) = weighed("Budi\nKab. Samosir, Sumut 16437\n");
        assert!(address.against >= 9.0 && address.weight() - address.other_weight() < 9.0, "{address:?}");
        let (address, _) = weighed("Ahmad\nTaman Daya, Tebrau, Johor Bahru, Johor 81100 Malaysia\n");
        assert!(address.abroad, "{address:?}");
        let (address, _) = weighed("Budi Santoso\nterima kasih sudah berbelanja\n");
        assert!(address.p() < 0.5, "{address:?}");
    }

    proptest::proptest! {
        // Each weighs every name of the country against every word.
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

        #[test]
        fn any_text_is_weighed(text in "([ -~\n]|kab |kec |jl |kota |[0-9]{5} |medan|papua ){0,40}") {
            let (address, _) = weighed(&text);
            proptest::prop_assert!((0.0..=1.0).contains(&address.p()), "{address:?}");
        }
    }
}

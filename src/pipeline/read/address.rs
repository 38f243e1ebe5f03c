//! Weighs what an address says: which regency it means, how much speaks for that, and what speaks against it.
//!
//! Every name and every postal code is a witness for some regencies, with a weight in nats: how much likelier the
//! text is if the parcel goes there. The weights of a regency add up; the best regency of each region is compared
//! with the best of the other one. So a street called Surabaya cannot outweigh a code, a district and a province
//! that agree, and two witnesses that contradict each other leave nothing sure.

use std::cmp::Ordering;

use crate::pipeline::read::codes::{self, Seen};
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::mentions::{Meant, Mention, Target, mentions};
use crate::pipeline::read::names::Names;
use crate::pipeline::read::text::Glyph;
use crate::pipeline::read::tokens::tokens;

/// The regions, as lanes name them.
pub const REGIONS: [&str; 2] = ["JAWA", "LUAR_JAWA"];

/// What a postal code weighs that was read for sure and exists.
const CODE: f32 = 10.0;
/// What a code weighs more when a word announces it.
const ANNOUNCED: f32 = 0.5;
/// What an address weighs that leaves nothing out: its regency with its province and more, or with its code.
const COMPLETE: f32 = 18.0;
/// From this weight on a name is that of a regency or province.
const LARGE: f32 = 7.0;
/// What such a name adds when it is said again, as of a district called after its regency.
const AGAIN: f32 = 3.0;
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
    /// What surely named places say of the other region together, of those that the likeliest regency does not explain and
    /// that stand before its own address is complete.
    pub names_against: f32,
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
    let found = counted_once(found);
    let rows: Vec<Vec<f32>> = found.iter().map(|mention| row(&mention.targets, gazetteer)).collect();
    let code_rows: Vec<Vec<f32>> = numbers.iter().map(|seen| code_row(seen, gazetteer)).collect();
    let by_names = sum(rows.iter(), gazetteer.regencies.len());
    let all = sum(rows.iter().chain(&code_rows), gazetteer.regencies.len());
    let mut address = Address { abroad, ..Address::default() };
    address.odd_codes = count(numbers.iter().filter(|seen| gazetteer.districts_of_code(seen.read).next().is_none()));
    let region_of = |regency: usize| gazetteer.regencies[regency].region;
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
    let heaviest = |weights: &[f32]| {
        let other = weights.iter().enumerate().filter(|(regency, _)| region_of(*regency) != region_of(best));
        other.map(|(_, weight)| *weight).fold(0.0, f32::max)
    };
    let against = |row: &&Vec<f32>| row[best] <= 0.0;
    address.against = rows.iter().chain(&code_rows).filter(against).map(|row| heaviest(row)).fold(0.0, f32::max);
    // Whose place stands behind an address that is complete is another party, and no contradiction.
    let place = |mention: &Mention| tokens[mention.start].start;
    let names = found.iter().zip(&rows).map(|(mention, row)| (place(mention), row[best]));
    let codes = numbers.iter().zip(&code_rows).map(|(seen, row)| (seen.place.0, row[best]));
    let end = complete(names.chain(codes).collect());
    let before = found.iter().take_while(|mention| place(mention) < end).count();
    let surely = surely(&found[..before], &rows, gazetteer);
    address.names_against = heaviest(&sum(surely.iter().filter(against), all.len()));
    address.code = code(&numbers, &by_names, gazetteer).map(|found| {
        let regencies: Vec<usize> = regencies_of(found.what, gazetteer).collect();
        // Where the names say another place, a code is as sure as that they are wrong, however clearly it is printed.
        let own =
            if regencies.contains(&best) { 1.0 } else { total(&all, weight, |at| regencies.contains(&at)) / whole };
        Found { p: found.p * own, ..found }
    });
    address
}

/// Where an address is complete, by the places of its witnesses and what each weighs.
fn complete(mut witnesses: Vec<(usize, f32)>) -> usize {
    witnesses.sort_by_key(|(place, _)| *place);
    let mut sum = 0.0;
    let last = witnesses.into_iter().find(|(_, weight)| {
        sum += weight;
        sum >= COMPLETE
    });
    last.map_or(usize::MAX, |(place, _)| place)
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

/// The weights of the wanted regencies as powers, the best one's being 1.
fn total(weights: &[f32], best: f32, wanted: impl Fn(usize) -> bool) -> f32 {
    let some = weights.iter().enumerate().filter(|(regency, _)| wanted(*regency));
    some.map(|(_, weight)| ((weight - best) / FLAT).exp()).sum()
}

fn sum<'a>(rows: impl Iterator<Item = &'a Vec<f32>>, regencies: usize) -> Vec<f32> {
    let mut sum = vec![0.0; regencies];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
    }
    sum
}

/// Names of which each place counts once: who writes `Batu, Batu` says little more than `Batu`.
fn counted_once(mut found: Vec<Mention>) -> Vec<Mention> {
    let mut counted: Vec<(Target, f32)> = Vec::new();
    for mention in &mut found {
        let mut seen = Vec::new();
        for meant in &mut mention.targets {
            let before = counted.iter().filter(|(target, _)| *target == meant.target).map(|(_, weight)| *weight);
            let again = if before.clone().count() == 1 && meant.weight >= LARGE { AGAIN } else { 0.0 };
            let rest = (meant.weight - before.fold(0.0, f32::max)).max(again);
            seen.push((meant.target.clone(), std::mem::replace(&mut meant.weight, rest)));
        }
        counted.extend(seen);
    }
    found
}

/// What the names weigh that are surely places: written right, and standing by themselves or before those of what they
/// lie in. `Banjar Wonosari` and `Batu Bandung` are hamlets anywhere.
fn surely(found: &[Mention], rows: &[Vec<f32>], gazetteer: &Gazetteer) -> Vec<Vec<f32>> {
    let agree = |a: usize, b: usize| {
        found[a].end == found[b].start && rows[a].iter().zip(&rows[b]).any(|(a, b)| *a > 0.0 && *b >= LARGE)
    };
    let mut bounds: Vec<(bool, bool)> = found.iter().map(|mention| mention.bounds).collect();
    for at in 1..found.len() {
        bounds[at].0 |= bounds[at - 1].0 && agree(at - 1, at);
    }
    for at in (1..found.len()).rev() {
        bounds[at - 1].1 |= bounds[at].1 && agree(at - 1, at);
    }
    let alone = found.iter().zip(bounds).filter(|(_, bounds)| *bounds == (true, true)).map(|(mention, _)| mention);
    alone.map(|mention| row(mention.targets.iter().filter(|meant| meant.right), gazetteer)).collect()
}

/// What a name weighs for each regency.
fn row<'a>(targets: impl IntoIterator<Item = &'a Meant>, gazetteer: &Gazetteer) -> Vec<f32> {
    let mut row = vec![0.0f32; gazetteer.regencies.len()];
    let mut raise = |regency: u16, weight: f32| {
        let cell = &mut row[usize::from(regency)];
        *cell = cell.max(weight);
    };
    let of_district = |district: u16| gazetteer.districts[usize::from(district)].regency;
    for Meant { target, weight, .. } in targets {
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
        for regency in regencies_of(code, gazetteer) {
            row[regency] = row[regency].max(most + p.ln());
        }
    }
    row
}

/// The regencies in which a postal code is used.
fn regencies_of(code: u32, gazetteer: &Gazetteer) -> impl Iterator<Item = usize> {
    let districts = gazetteer.districts_of_code(code).map(|at| &gazetteer.districts[usize::from(at)]);
    districts.map(|district| usize::from(district.regency))
}

/// The likeliest code: by how it looks, and by how well the names go with it.
fn code(numbers: &[Seen], by_names: &[f32], gazetteer: &Gazetteer) -> Option<Found<u32>> {
    let weigh = |&(code, p): &(u32, f32)| {
        let names = regencies_of(code, gazetteer).map(|regency| by_names[regency]).fold(0.0, f32::max);
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

    #[test]
    fn a_district_or_village_is_not_the_city_that_its_name_begins_with() {
        for (text, region) in [
            ("Budi\nRuko Puri Loka No 5, Kel. Buliang\nBatu Aji, Batu Aji\n", 1),
            ("Budi\nBatu Merah RT 2\nBatu Merah, Batu Ampar, Batam\n", 1),
            ("Budi\nBatang Kuis Pekan\nBatang Kuis\n", 1),
            ("Budi\nHarapan Indah Blok A No 5, Medan Satria\nMedan Satria\n", 0),
        ] {
            let (address, _) = weighed(text);
            assert_eq!(address.region(), region, "{text}{address:?}");
            assert!(address.other_weight() < LARGE / 2.0, "{text}{address:?}");
        }
        let (address, _) = weighed("Budi\nKec. Junrejo, Batu, Jatim\n");
        assert!(address.region() == 0 && address.p() > 0.98, "{address:?}");
    }

    #[test]
    fn a_place_counts_once_however_often_it_is_named() {
        let weight = |text: &str| weighed(text).0.weight();
        let (once, twice) = (weight("Budi\nJl. Mawar 5, Bandung\n"), weight("Budi\nJl. Mawar 5, Bandung, Bandung\n"));
        let thrice = weight("Budi\nJl. Mawar 5, Bandung, Bandung, Bandung\n");
        assert!(twice < once + 4.0 && thrice <= twice, "{once} {twice} {thrice}");
    }

    #[test]
    fn a_code_of_another_place_than_the_names_say_is_not_sure() {
        let (address, _) = weighed("Budi\nKec. Kuta Utara, Kab. Badung, Bali 61234\n");
        assert!(address.region() == 1 && address.p() > 0.98, "{address:?}");
        assert!(address.code.is_some_and(|code| code.what == 61234 && code.p < 0.5), "{address:?}");
        let (address, _) = weighed("Budi\nKec. Kuta Utara, Kab. Badung, Bali 80361\n");
        assert!(address.code.is_some_and(|code| code.p > 0.98), "{address:?}");
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

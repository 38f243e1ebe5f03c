//! Indonesia's places and postal codes, packed into the program: loaded in milliseconds, never looked for on a disk.
//!
//! The file is made by `models/train/pilah_train/gazetteer.py`; `data/README.md` says from what and under which
//! licence. Names of districts and villages are kept as comparing wants them: capitals without spaces.

use anyhow::{Context, Result, ensure};

use crate::pipeline::read::address::REGIONS;
use crate::pipeline::read::region_of_province;

/// The file that ships with the program.
static SHIPPED: &[u8] = include_bytes!("../../../data/gazetteer.bin");

const MAGIC: &[u8] = b"pilah gazetteer 1\n";

/// A regency or city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Regency {
    /// Its official name in capitals, such as `KABUPATEN SAMOSIR` or `KOTA DEPOK`.
    pub name: &'static str,
    /// Its province's place in [`Gazetteer::provinces`].
    pub province: u16,
    /// Its region's place in [`REGIONS`].
    pub region: usize,
}

/// A district.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct District {
    /// Its name in capitals, without spaces.
    pub name: &'static str,
    /// Its regency's place in [`Gazetteer::regencies`].
    pub regency: u16,
}

/// Places and codes.
pub struct Gazetteer {
    /// Provinces by their names in capitals, such as `JAWA BARAT` or `DKI JAKARTA`.
    pub provinces: Vec<&'static str>,
    /// Regencies and cities.
    pub regencies: Vec<Regency>,
    /// Districts.
    pub districts: Vec<District>,
    /// Names of villages, sorted, each once.
    pub(super) villages: Vec<&'static str>,
    /// Each village's districts: a village's place in `villages` and a district's, sorted.
    districts_of_villages: Vec<(u16, u16)>,
    /// Each code's districts, sorted.
    districts_of_codes: Vec<(u32, u16)>,
    /// Each code's villages, sorted.
    villages_of_codes: Vec<(u32, u16)>,
}

impl Gazetteer {
    /// The one that ships with the program.
    ///
    /// # Errors
    /// When the program was built with a file that is not a gazetteer.
    pub fn shipped() -> Result<Self> {
        Self::read(SHIPPED).context("reading the gazetteer that was built in; build pilah again")
    }

    fn read(file: &'static [u8]) -> Result<Self> {
        let mut rest = file.strip_prefix(MAGIC).context("it does not begin as a gazetteer does")?;
        let provinces = texts(section(&mut rest)?)?;
        let names = texts(section(&mut rest)?)?;
        let province_of = shorts(section(&mut rest)?);
        let districts = texts(section(&mut rest)?)?;
        let regency_of = shorts(section(&mut rest)?);
        let villages = texts(section(&mut rest)?)?;
        let codes = longs(section(&mut rest)?);
        let ends = longs(section(&mut rest)?);
        let village_of = shorts(section(&mut rest)?);
        let code_of = shorts(section(&mut rest)?);
        ensure!(names.len() == province_of.len(), "its regencies lack provinces");
        ensure!(districts.len() == regency_of.len() && districts.len() == ends.len(), "its districts lack regencies");
        ensure!(province_of.iter().all(|&at| usize::from(at) < provinces.len()), "a province is missing");
        ensure!(regency_of.iter().all(|&at| usize::from(at) < names.len()), "a regency is missing");
        let regency = |(name, province): (&'static str, u16)| {
            let region = usize::from(region_of_province(provinces[usize::from(province)]) != REGIONS[0]);
            Regency { name, province, region }
        };
        let regencies = names.into_iter().zip(province_of).map(regency).collect();
        let mut found = Self {
            provinces,
            regencies,
            districts: districts
                .into_iter()
                .zip(regency_of)
                .map(|(name, regency)| District { name, regency })
                .collect(),
            villages,
            districts_of_villages: Vec::with_capacity(village_of.len()),
            districts_of_codes: Vec::with_capacity(village_of.len()),
            villages_of_codes: Vec::with_capacity(village_of.len()),
        };
        let mut rows = village_of.into_iter().zip(code_of);
        let mut before = 0;
        for (district, end) in (0u16..).zip(ends) {
            for _ in before..end {
                let (village, code) = rows.next().context("its districts lack villages")?;
                let code = *codes.get(usize::from(code)).context("a postal code is missing")?;
                ensure!(usize::from(village) < found.villages.len(), "a village is missing");
                found.districts_of_villages.push((village, district));
                found.districts_of_codes.push((code, district));
                found.villages_of_codes.push((code, village));
            }
            before = end;
        }
        found.districts_of_villages.sort_unstable();
        found.districts_of_villages.dedup();
        found.districts_of_codes.sort_unstable();
        found.districts_of_codes.dedup();
        found.villages_of_codes.sort_unstable();
        Ok(found)
    }

    /// The districts in which a postal code is used; none where it does not exist.
    pub fn districts_of_code(&self, code: u32) -> impl Iterator<Item = u16> {
        below(&self.districts_of_codes, code)
    }

    /// Whether any postal code begins with these digits, 1 to 5 of them.
    pub fn has_code_from(&self, prefix: &str) -> bool {
        let (Ok(first), Ok(last)) = (format!("{prefix:0<5}").parse::<u32>(), format!("{prefix:9<5}").parse()) else {
            return false;
        };
        let at = self.districts_of_codes.partition_point(|(code, _)| *code < first);
        self.districts_of_codes.get(at).is_some_and(|(code, _)| *code <= last)
    }

    /// The villages in which a postal code is used.
    pub fn villages_of_code(&self, code: u32) -> impl Iterator<Item = &'static str> {
        below(&self.villages_of_codes, code).map(|at| self.villages[usize::from(at)])
    }

    /// The districts that have a village of this name, in capitals without spaces.
    pub fn districts_of_village(&self, name: &str) -> impl Iterator<Item = u16> {
        let at = self.villages.binary_search(&name).ok().and_then(|at| u16::try_from(at).ok());
        at.into_iter().flat_map(|at| below(&self.districts_of_villages, at))
    }

    /// The province in which a regency lies.
    pub fn province_of(&self, regency: u16) -> u16 {
        self.regencies[usize::from(regency)].province
    }
}

/// What stands beside `key` in a sorted list.
fn below<K: Copy + Ord>(list: &[(K, u16)], key: K) -> impl Iterator<Item = u16> {
    let start = list.partition_point(|(other, _)| *other < key);
    list[start..].iter().take_while(move |(other, _)| *other == key).map(|(_, value)| *value)
}

fn section(rest: &mut &'static [u8]) -> Result<&'static [u8]> {
    let (length, after) = rest.split_first_chunk::<4>().context("it is cut off")?;
    let length = usize::try_from(u32::from_le_bytes(*length))?;
    let (section, after) = after.split_at_checked(length).context("it is cut off")?;
    *rest = after;
    Ok(section)
}

fn texts(section: &'static [u8]) -> Result<Vec<&'static str>> {
    Ok(std::str::from_utf8(section)?.split('\n').collect())
}

fn shorts(section: &[u8]) -> Vec<u16> {
    section.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect()
}

fn longs(section: &[u8]) -> Vec<u32> {
    section.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::region_of;

    #[test]
    fn codes_lead_to_their_places() {
        let gazetteer = Gazetteer::shipped().unwrap();
        assert_eq!((gazetteer.provinces.len(), gazetteer.regencies.len(), gazetteer.districts.len()), (38, 514, 7285));
        for (code, regency, province) in
            [(22398, "KABUPATEN SAMOSIR", "SUMATERA UTARA"), (16437, "KOTA DEPOK", "JAWA BARAT")]
        {
            let districts: Vec<u16> = gazetteer.districts_of_code(code).collect();
            let of = gazetteer.districts[usize::from(districts[0])].regency;
            assert_eq!(gazetteer.regencies[usize::from(of)].name, regency);
            assert_eq!(gazetteer.provinces[usize::from(gazetteer.province_of(of))], province);
        }
        assert_eq!(gazetteer.districts_of_code(10_000).count(), 0);
        assert!(gazetteer.villages_of_code(56411).any(|name| name == "MUNTILAN"));
        assert!(gazetteer.districts_of_village("MUNTILAN").count() > 0);
    }

    #[test]
    fn no_code_contradicts_its_province() {
        let gazetteer = Gazetteer::shipped().unwrap();
        for (code, district) in &gazetteer.districts_of_codes {
            let province = gazetteer.province_of(gazetteer.districts[usize::from(*district)].regency);
            let name = gazetteer.provinces[usize::from(province)];
            assert_eq!(region_of(&code.to_string()), Some(region_of_province(name)), "{code} {name}");
        }
    }

    #[test]
    fn a_file_that_was_cut_is_refused() {
        for end in [0, 5, MAGIC.len(), MAGIC.len() + 3, 2000, SHIPPED.len() - 2] {
            assert!(Gazetteer::read(&SHIPPED[..end]).is_err(), "{end}");
        }
    }
}

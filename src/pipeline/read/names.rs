//! Finds places by names as people write them: abbreviated, misspelt, misread.

use crate::pipeline::read::distance::{distance, mask, may_be_near, tolerated};
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::number::length;

/// A place of some level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A province's place in the gazetteer.
    Province(u16),
    /// A regency's or city's.
    Regency(u16),
    /// A district's.
    District(u16),
}

/// A place that a word may stand for, and how far the word is from its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The place.
    pub place: Place,
    /// 0 for the name as it is; see [`distance`].
    pub cost: f32,
    /// Letters of the name, or of its abbreviation.
    pub letters: usize,
}

/// All names that are looked for. The few large places are compared with every word, the many districts only with
/// what is announced as one or looks just like one.
pub struct Names {
    large: ByLength,
    districts: ByLength,
}

/// Names sorted by length.
struct ByLength {
    entries: Vec<Entry>,
    /// Where the names of so many letters begin.
    starts: Vec<usize>,
}

struct Entry {
    letters: Box<[u8]>,
    mask: u32,
    place: Place,
    /// Abbreviations are taken as they are: near them is nothing.
    exact: bool,
}

/// Provinces as they are written beside their own names.
const PROVINCES: &[(&str, &str)] = &[
    ("ACEH", "NAD NANGGROEACEHDARUSSALAM NANGROEACEHDARUSSALAM DIACEH"),
    ("SUMATERA UTARA", "SUMUT SUMATRAUTARA NORTHSUMATRA SUMUTARA"),
    ("SUMATERA BARAT", "SUMBAR SUMATRABARAT WESTSUMATRA"),
    ("SUMATERA SELATAN", "SUMSEL SUMATRASELATAN SOUTHSUMATRA"),
    ("KEPULAUAN RIAU", "KEPRI RIAUISLANDS KEPULAUANRIAU"),
    ("KEPULAUAN BANGKA BELITUNG", "BABEL BANGKABELITUNG KEPBABEL"),
    ("DKI JAKARTA", "DKI DKIJKT DAERAHKHUSUSIBUKOTAJAKARTA DAERAHKHUSUSJAKARTA DKJ JAKARTA JKT JAKARTARAYA"),
    ("DI YOGYAKARTA", "DIY YOGYAKARTA JOGJAKARTA JOGJA YOGYA DAERAHISTIMEWAYOGYAKARTA DISTYOGYAKARTA DIJOGJAKARTA"),
    ("JAWA BARAT", "JABAR WESTJAVA"),
    ("JAWA TENGAH", "JATENG CENTRALJAVA"),
    ("JAWA TIMUR", "JATIM EASTJAVA"),
    ("NUSA TENGGARA BARAT", "NTB NUSRABARAT"),
    ("NUSA TENGGARA TIMUR", "NTT"),
    ("KALIMANTAN BARAT", "KALBAR WESTKALIMANTAN WESTBORNEO"),
    ("KALIMANTAN TENGAH", "KALTENG CENTRALKALIMANTAN"),
    ("KALIMANTAN SELATAN", "KALSEL SOUTHKALIMANTAN"),
    ("KALIMANTAN TIMUR", "KALTIM EASTKALIMANTAN"),
    ("KALIMANTAN UTARA", "KALTARA KALUT NORTHKALIMANTAN"),
    ("SULAWESI UTARA", "SULUT NORTHSULAWESI"),
    ("SULAWESI TENGAH", "SULTENG CENTRALSULAWESI"),
    ("SULAWESI SELATAN", "SULSEL SOUTHSULAWESI"),
    ("SULAWESI TENGGARA", "SULTRA SOUTHEASTSULAWESI"),
    ("SULAWESI BARAT", "SULBAR WESTSULAWESI"),
    ("MALUKU UTARA", "MALUT NORTHMALUKU"),
    ("PAPUA BARAT", "PABAR IRIANJAYABARAT"),
    ("PAPUA BARAT DAYA", "PBD"),
    ("PAPUA SELATAN", "PAPSEL"),
    ("PAPUA TENGAH", "PAPTENG"),
    ("PAPUA PEGUNUNGAN", "PAPPEG"),
    ("PAPUA", "IRIANJAYA"),
];

/// Regencies and cities as they are written beside their own names.
const REGENCIES: &[(&str, &str)] = &[
    ("KOTA ADMINISTRASI JAKARTA PUSAT", "JAKPUS JKTPUSAT JAKARTAPUSAT JKTPST CENTRALJAKARTA"),
    ("KOTA ADMINISTRASI JAKARTA BARAT", "JAKBAR JKTBARAT JAKARTABARAT JKTBRT WESTJAKARTA"),
    ("KOTA ADMINISTRASI JAKARTA TIMUR", "JAKTIM JKTTIMUR JAKARTATIMUR JKTTMR EASTJAKARTA"),
    ("KOTA ADMINISTRASI JAKARTA SELATAN", "JAKSEL JKTSELATAN JAKARTASELATAN JKTSEL SOUTHJAKARTA"),
    ("KOTA ADMINISTRASI JAKARTA UTARA", "JAKUT JKTUTARA JAKARTAUTARA JKTUT NORTHJAKARTA"),
    ("KABUPATEN ADMINISTRASI KEPULAUAN SERIBU", "KEPULAUANSERIBU KEPSERIBU PULAUSERIBU"),
    ("KOTA YOGYAKARTA", "YOGYAKARTA JOGJAKARTA JOGJA YOGYA"),
    ("KOTA TANGERANG SELATAN", "TANGSEL"),
    ("KOTA SURABAYA", "SBY SURABAYA"),
    ("KOTA BANDUNG", "BDG"),
    ("KOTA SEMARANG", "SMG"),
    ("KOTA MAKASSAR", "MAKASAR UJUNGPANDANG"),
    ("KOTA BALIKPAPAN", "BPP"),
    ("KOTA BANJARMASIN", "BJM"),
    ("KOTA DENPASAR", "DPS"),
    ("KOTA SURAKARTA", "SOLO"),
    ("KOTA AMBON", "AMBON"),
    ("KABUPATEN GUNUNGKIDUL", "GUNUNGKIDUL GNKIDUL"),
    ("KABUPATEN KULON PROGO", "KULONPROGO"),
    ("KABUPATEN OGAN KOMERING ULU", "OKU"),
    ("KABUPATEN OGAN KOMERING ILIR", "OKI"),
    ("KABUPATEN OGAN KOMERING ULU TIMUR", "OKUTIMUR OKUT"),
    ("KABUPATEN OGAN KOMERING ULU SELATAN", "OKUSELATAN OKUS"),
    ("KABUPATEN MUSI BANYUASIN", "MUBA"),
    ("KABUPATEN PENUKAL ABAB LEMATANG ILIR", "PALI"),
    ("KABUPATEN HULU SUNGAI UTARA", "HSU"),
    ("KABUPATEN HULU SUNGAI TENGAH", "HST"),
    ("KABUPATEN HULU SUNGAI SELATAN", "HSS"),
    ("KABUPATEN KUTAI KARTANEGARA", "KUKAR"),
    ("KABUPATEN KUTAI TIMUR", "KUTIM"),
    ("KABUPATEN KUTAI BARAT", "KUBAR"),
    ("KABUPATEN KOTAWARINGIN BARAT", "KOBAR"),
    ("KABUPATEN KOTAWARINGIN TIMUR", "KOTIM"),
    ("KABUPATEN PENAJAM PASER UTARA", "PPU"),
    ("KABUPATEN TIMOR TENGAH SELATAN", "TTS"),
    ("KABUPATEN TIMOR TENGAH UTARA", "TTU"),
    ("KABUPATEN SERAM BAGIAN BARAT", "SBB"),
    ("KABUPATEN SERAM BAGIAN TIMUR", "SBT"),
    ("KABUPATEN KUBU RAYA", "KKR"),
    ("KABUPATEN PARIGI MOUTONG", "PARIMO"),
    ("KABUPATEN PANGKAJENE DAN KEPULAUAN", "PANGKEP PANGKAJENEKEPULAUAN PANGKAJENE"),
    ("KABUPATEN LABUHANBATU UTARA", "LABURA"),
    ("KABUPATEN LABUHANBATU SELATAN", "LABUSEL"),
    ("KABUPATEN DELI SERDANG", "DELISERDANG"),
    ("KABUPATEN SERDANG BEDAGAI", "SERGAI"),
    ("KABUPATEN TAPANULI SELATAN", "TAPSEL"),
    ("KABUPATEN TAPANULI TENGAH", "TAPTENG"),
    ("KABUPATEN TAPANULI UTARA", "TAPUT"),
    ("KABUPATEN MANDAILING NATAL", "MADINA"),
    ("KABUPATEN INDRAGIRI HULU", "INHU"),
    ("KABUPATEN INDRAGIRI HILIR", "INHIL"),
    ("KABUPATEN ROKAN HULU", "ROHUL"),
    ("KABUPATEN ROKAN HILIR", "ROHIL"),
    ("KABUPATEN KUANTAN SINGINGI", "KUANSING"),
];

/// Words before a regency's own name.
const KINDS: [&str; 4] = ["KABUPATEN ADMINISTRASI ", "KOTA ADMINISTRASI ", "KABUPATEN ", "KOTA "];

impl Names {
    /// The names of a gazetteer, with their abbreviations.
    pub fn of(gazetteer: &Gazetteer) -> Self {
        let mut large = Vec::new();
        let entry = |text: &str, place, exact| {
            let letters: Box<[u8]> = text.bytes().filter(u8::is_ascii_uppercase).collect();
            Entry { mask: mask(&letters), letters, place, exact }
        };
        let mut add = |text: &str, place, exact| large.push(entry(text, place, exact));
        for (at, name) in (0u16..).zip(&gazetteer.provinces) {
            add(name, Place::Province(at), false);
            for (_, others) in PROVINCES.iter().filter(|(of, _)| of == name) {
                others.split(' ').for_each(|other| add(other, Place::Province(at), other.len() < 7));
            }
        }
        for (at, regency) in (0u16..).zip(&gazetteer.regencies) {
            add(own_name(regency.name), Place::Regency(at), false);
            for (_, others) in REGENCIES.iter().filter(|(of, _)| *of == regency.name) {
                others.split(' ').for_each(|other| add(other, Place::Regency(at), other.len() < 6));
            }
        }
        let districts = (0u16..).zip(&gazetteer.districts);
        let districts = districts.map(|(at, district)| entry(district.name, Place::District(at), false)).collect();
        Self { large: ByLength::new(large), districts: ByLength::new(districts) }
    }

    /// The provinces and regencies whose names are near `read` (capitals without spaces); `wanted` says which count.
    pub fn near(&self, read: &[u8], wanted: impl Fn(Place) -> bool, found: &mut Vec<Near>) {
        self.large.near(read, tolerated(read.len()), wanted, found);
    }

    /// The districts whose names are at most `most` away from `read`.
    pub fn districts_near(&self, read: &[u8], most: f32, found: &mut Vec<Near>) {
        self.districts.near(read, most.min(tolerated(read.len())), |_| true, found);
    }
}

impl ByLength {
    fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.letters.len().cmp(&b.letters.len()).then_with(|| a.letters.cmp(&b.letters)));
        entries.dedup_by(|a, b| a.letters == b.letters && a.place == b.place);
        let longest = entries.last().map_or(0, |entry| entry.letters.len());
        let starts = (0..=longest + 1).map(|n| entries.partition_point(|entry| entry.letters.len() < n)).collect();
        Self { entries, starts }
    }

    fn near(&self, read: &[u8], most: f32, wanted: impl Fn(Place) -> bool, found: &mut Vec<Near>) {
        let letters = mask(read);
        // A missing or doubled letter costs 0.6 at least.
        let off = (1..=4).rev().find(|&off| length(off) * 0.6 <= most).unwrap_or(0);
        let start = |letters: usize| self.starts.get(letters).copied().unwrap_or(self.entries.len());
        let (first, last) = (start(read.len().saturating_sub(off)), start(read.len() + off + 1));
        for entry in &self.entries[first..last] {
            if !may_be_near(letters, entry.mask, most) || !begin_alike(read, &entry.letters) || !wanted(entry.place) {
                continue;
            }
            let most = if entry.exact { 0.0 } else { most.min(tolerated(entry.letters.len())) };
            if let Some(cost) = distance(read, &entry.letters, most) {
                found.push(Near { place: entry.place, cost, letters: entry.letters.len() });
            }
        }
    }
}

/// Whether one of the first two letters is in its place, or a place off: of a word whose beginning is lost nothing is
/// sure.
fn begin_alike(read: &[u8], name: &[u8]) -> bool {
    match (read, name) {
        ([a, b, ..], [c, d, ..]) => a == c || b == d || a == d || b == c,
        _ => read == name,
    }
}

/// A regency's name without what kind of regency it is.
pub fn own_name(regency: &str) -> &str {
    KINDS.iter().find_map(|kind| regency.strip_prefix(kind)).unwrap_or(regency)
}

/// Whether a regency is a city.
pub fn is_city(regency: &str) -> bool {
    regency.starts_with("KOTA ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_and_slips_lead_to_their_places() {
        let gazetteer = Gazetteer::shipped().unwrap();
        let names = Names::of(&gazetteer);
        for (read, wanted) in [
            ("SUMUT", "SUMATERA UTARA"),
            ("SUMATRAUTARA", "SUMATERA UTARA"),
            ("JAWATLMUR", "JAWA TIMUR"),
            ("DIY", "DI YOGYAKARTA"),
            ("MAJALENGGKA", "KABUPATEN MAJALENGKA"),
            ("MAGEAN", "KABUPATEN MAGETAN"),
            ("JAKSEL", "KOTA ADMINISTRASI JAKARTA SELATAN"),
            ("PAGARALAM", "KOTA PAGAR ALAM"),
            ("HULLUSUNGAITENGAH", "KABUPATEN HULU SUNGAI TENGAH"),
        ] {
            let mut found = Vec::new();
            names.near(read.as_bytes(), |place| !matches!(place, Place::District(_)), &mut found);
            found.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            let name = found.first().map(|near| match near.place {
                Place::Province(at) => gazetteer.provinces[usize::from(at)],
                Place::Regency(at) => gazetteer.regencies[usize::from(at)].name,
                Place::District(_) => "a district",
            });
            assert_eq!(name, Some(wanted), "{read}: {found:?}");
        }
    }

    #[test]
    fn every_other_name_belongs_to_a_place_of_the_gazetteer() {
        let gazetteer = Gazetteer::shipped().unwrap();
        for (of, _) in PROVINCES {
            assert!(gazetteer.provinces.contains(of), "{of}");
        }
        for (of, _) in REGENCIES {
            assert!(gazetteer.regencies.iter().any(|regency| regency.name == *of), "{of}");
        }
    }
}

//! Finds the places that an address names, and says what each name weighs.

use crate::pipeline::read::abroad::is_abroad;
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::keywords::{Level, begins_street, ends_street, level_before, level_of};
use crate::pipeline::read::names::{Names, Near, Place, is_city};
use crate::pipeline::read::tokens::{Gap, Kind, Token};

/// A name in an address, and the places that it may stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// The first of its tokens.
    pub start: usize,
    /// The token behind it.
    pub end: usize,
    /// The places.
    pub targets: Vec<Meant>,
    /// Whether no other word of a name stands before it, and behind it.
    pub bounds: (bool, bool),
    /// Whether it is just a district's or village's name of several words, and stands by itself.
    whole: bool,
}

/// A place that a name may stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Meant {
    /// The place.
    pub target: Target,
    /// How much speaks for it, in nats.
    pub weight: f32,
    /// Whether its name is written like that, but for a letter that looks alike.
    pub right: bool,
}

/// What a name may stand for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A province.
    Province(u16),
    /// A regency or city.
    Regency(u16),
    /// A district.
    District(u16),
    /// A village, by the districts that have one of this name.
    Village(Vec<u16>),
}

/// Words of one name, at most: `Kepulauan Siau Tagulandang Biaro`.
const WORDS: usize = 5;
/// Words of a street's name, at most.
const STREET: usize = 5;
/// Villages of one name in more districts say no more than this.
const COMMON: usize = 12;
const SLIGHT: f32 = 1e-3;

/// Weights of names, in nats; each mistake in a name takes some away. With a word such as `Kab.` before it a name
/// is no street, person or goods.
struct Weights {
    announced: f32,
    bare: f32,
    mistake: f32,
}

const PROVINCE: Weights = Weights { announced: 8.0, bare: 7.0, mistake: 1.6 };
const REGENCY: Weights = Weights { announced: 9.0, bare: 7.0, mistake: 1.8 };
const DISTRICT: Weights = Weights { announced: 6.0, bare: 3.0, mistake: 1.6 };
const VILLAGE: Weights = Weights { announced: 3.0, bare: 1.5, mistake: 0.0 };
/// One letter misread for one that looks like it.
const LOOKS_LIKE: f32 = 0.4;
/// A city called a kabupaten or the other way round: people mix them up.
const WRONG_KIND: f32 = 1.5;
/// What is left of a name that stands where the person's name is.
const IN_NAME: f32 = 0.3;

/// The places that an address names, and whether it names another country.
pub fn mentions(tokens: &[Token], gazetteer: &Gazetteer, names: &Names) -> (Vec<Mention>, bool) {
    let levels: Vec<Option<Level>> = tokens.iter().map(|token| level_of(&token.letters)).collect();
    let usable = usable(tokens, &levels);
    let person = persons_name(tokens, &levels);
    let mut found = Vec::new();
    let mut abroad = false;
    for start in 0..tokens.len() {
        if !usable[start] {
            continue;
        }
        let announced = announced(&levels, tokens, start);
        let (mut plain, mut spelt) = (String::new(), String::new());
        for end in start..tokens.len().min(start + WORDS) {
            if !usable[end] || (end > start && tokens[end].gap == Gap::Stop) {
                break;
            }
            plain.push_str(&tokens[end].letters);
            spelt.push_str(spelt_out(&tokens[end].letters));
            // There is a village called Singapura.
            abroad |= announced.is_none() && end - start < 3 && is_abroad(&plain);
            let context = Context { announced, person: end < person, gazetteer, names };
            let targets = context.targets(&plain, &spelt);
            if !targets.is_empty() {
                let bounds = bounds(tokens, &usable, start, end + 1);
                let small =
                    |meant: &Meant| meant.right && matches!(meant.target, Target::District(_) | Target::Village(_));
                let whole = end > start && bounds == (true, true) && targets.iter().any(small);
                found.push(Mention { start, end: end + 1, targets, bounds, whole });
            }
        }
        // `KABUPATENSAMOSIR`: the net missed the space.
        if let Some((level, length)) = level_before(&tokens[start].letters) {
            let rest = &tokens[start].letters[length..];
            let context = Context { announced: Some(level), person: false, gazetteer, names };
            let targets = context.targets(rest, rest);
            let bounds = bounds(tokens, &usable, start, start + 1);
            found.push(Mention { start, end: start + 1, targets, bounds, whole: false });
        }
    }
    (without_overlaps(found), abroad)
}

/// Whether a name begins and ends at a comma, the end of a line, or what is no part of a name.
fn bounds(tokens: &[Token], usable: &[bool], start: usize, end: usize) -> (bool, bool) {
    let parted = |at: usize| tokens[at].gap >= Gap::Line;
    let before = start == 0 || parted(start) || !usable[start - 1];
    let behind = end == tokens.len() || parted(end) || !usable[end];
    (before, behind)
}

/// The level that the words before a name announce; `Kota/Kab.` announces either kind.
fn announced(levels: &[Option<Level>], tokens: &[Token], start: usize) -> Option<Level> {
    let mut before = start.checked_sub(1)?;
    // `Kota Adm.`, `Kab. Administrasi`
    if matches!(tokens[before].letters.as_str(), "ADM" | "ADMINISTRASI" | "ADMIN") {
        before = before.checked_sub(1)?;
    }
    levels[before]
}

/// Which tokens can be part of a place's name: words that are no keyword and not in a street's name.
fn usable(tokens: &[Token], levels: &[Option<Level>]) -> Vec<bool> {
    let mut usable: Vec<bool> =
        tokens.iter().map(|token| token.kind == Kind::Word && !token.letters.is_empty()).collect();
    for start in 0..tokens.len() {
        if level_at(tokens, levels, start).is_some() || ends_street(&tokens[start].letters) {
            usable[start] = false;
        }
        // `Kec. Pasar Minggu` is a district.
        let named = start.checked_sub(1).is_some_and(|before| level_at(tokens, levels, before).is_some());
        if named || !begins_street(&tokens[start].letters) {
            continue;
        }
        usable[start] = false;
        let stops = |at: usize| {
            let token = &tokens[at];
            token.gap == Gap::Stop
                || token.kind != Kind::Word
                || ends_street(&token.letters)
                || (level_at(tokens, levels, at).is_some() && at > start + 1)
        };
        let most = tokens.len().min(start + 1 + STREET);
        let end = (start + 1..most).find(|&at| stops(at)).unwrap_or(most);
        // A street's name goes on over the end of a line only where something of a street follows.
        let goes_on = tokens
            .get(end)
            .is_some_and(|token| (token.kind == Kind::Number || ends_street(&token.letters)) && token.gap < Gap::Stop);
        let line = (start + 2..end).find(|&at| tokens[at].gap == Gap::Line).filter(|_| !goes_on);
        usable[start + 1..line.unwrap_or(end)].fill(false);
    }
    usable
}

/// The level that a token announces. `Kota` before a name that needs it (`Kotabaru`, `Kota Agung`) does so too, and
/// is tried as a part of the name by [`Context::targets`] of the longer window.
fn level_at(tokens: &[Token], levels: &[Option<Level>], at: usize) -> Option<Level> {
    // A keyword has something behind it.
    tokens.get(at + 1)?;
    levels[at]
}

/// How many tokens from the start are a person's or shop's name: up to the first stop, line's end or number, if no
/// keyword stands among them.
fn persons_name(tokens: &[Token], levels: &[Option<Level>]) -> usize {
    let stops = |at: usize| at > 0 && (tokens[at].gap >= Gap::Line || tokens[at].kind != Kind::Word);
    let end = (0..tokens.len()).find(|&at| stops(at)).unwrap_or(0);
    if levels[..end].iter().any(Option::is_some) { 0 } else { end }
}

struct Context<'a> {
    announced: Option<Level>,
    /// Whether it stands where a person's name is.
    person: bool,
    gazetteer: &'a Gazetteer,
    names: &'a Names,
}

impl Context<'_> {
    /// What a name may stand for: as it is written, or with its abbreviations spelt out.
    fn targets(&self, plain: &str, spelt: &str) -> Vec<Meant> {
        let mut near = Vec::new();
        let wanted = |place: Place| match (self.announced, place) {
            (None, _) => true,
            (Some(Level::Province), Place::Province(_)) => true,
            // `Kota Jakarta` is a province.
            (Some(Level::City), Place::Province(_)) => true,
            (Some(Level::Kabupaten | Level::City), Place::Regency(_)) => true,
            _ => false,
        };
        for text in [plain, spelt].into_iter().take(if plain == spelt { 1 } else { 2 }) {
            match self.announced {
                Some(Level::District) => self.names.districts_near(text.as_bytes(), f32::MAX, &mut near),
                Some(Level::Village) => {}
                Some(_) => self.names.near(text.as_bytes(), wanted, &mut near),
                None => {
                    self.names.near(text.as_bytes(), wanted, &mut near);
                    self.names.districts_near(text.as_bytes(), LOOKS_LIKE, &mut near);
                }
            }
        }
        let mut targets: Vec<Meant> = near.iter().filter_map(|near| self.weigh(near)).collect();
        targets.extend(self.village(plain));
        if plain != spelt {
            targets.extend(self.village(spelt));
        }
        // A place that either text may mean is one, by the heavier.
        targets.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut meant: Vec<Meant> = Vec::new();
        for target in targets {
            if meant.iter().all(|known| known.target != target.target) {
                meant.push(target);
            }
        }
        if meant.first().is_none_or(|heaviest| heaviest.weight <= SLIGHT) {
            return Vec::new();
        }
        if self.person {
            meant.iter_mut().for_each(|meant| meant.weight *= IN_NAME);
        }
        meant
    }

    fn weigh(&self, near: &Near) -> Option<Meant> {
        let announced = self.announced.is_some();
        let (target, weights) = match near.place {
            Place::Province(province) => (Target::Province(province), PROVINCE),
            Place::Regency(regency) => (Target::Regency(regency), REGENCY),
            Place::District(district) => (Target::District(district), DISTRICT),
        };
        // By themselves, short names and districts must be written right.
        let strict = !announced && near.letters < 6;
        if (strict && near.cost > LOOKS_LIKE)
            || (!announced && matches!(near.place, Place::District(_)) && near.letters < 5)
        {
            return None;
        }
        let mut weight = if announced { weights.announced } else { weights.bare } - weights.mistake * near.cost;
        if let Place::Regency(regency) = near.place {
            let city = is_city(self.gazetteer.regencies[usize::from(regency)].name);
            let wrong = match self.announced {
                Some(Level::Kabupaten) => city,
                Some(Level::City) => !city,
                _ => false,
            };
            weight -= if wrong { WRONG_KIND } else { 0.0 };
        }
        (weight > 0.0).then_some(Meant { target, weight, right: near.cost <= LOOKS_LIKE })
    }

    fn village(&self, letters: &str) -> Option<Meant> {
        let announced = self.announced == Some(Level::Village);
        if letters.len() < 5 || (self.announced.is_some() && !announced) {
            return None;
        }
        let districts: Vec<u16> = self.gazetteer.districts_of_village(letters).collect();
        let weight = if announced { VILLAGE.announced } else { VILLAGE.bare };
        // A common name speaks for no place, but goes with each of its own.
        let weight = if districts.len() > COMMON { SLIGHT } else { weight };
        (!districts.is_empty()).then_some(Meant { target: Target::Village(districts), weight, right: true })
    }
}

/// Of names that share words the heavier one counts; of equals the longer one. But a part of a name that stands whole is
/// no other name: `Batu Aji` has nothing of Batu.
fn without_overlaps(mut found: Vec<Mention>) -> Vec<Mention> {
    let whole: Vec<(usize, usize)> =
        found.iter().filter(|name| name.whole).map(|name| (name.start, name.end)).collect();
    let is_part = |name: &Mention| {
        let within = |&(start, end): &(usize, usize)| start <= name.start && name.end <= end;
        whole.iter().any(|of| within(of) && *of != (name.start, name.end))
    };
    found.retain(|name| !is_part(name));
    // A longer name that fits is no chance: `Papua Selatan` is not `Papua`.
    let rank = |mention: &Mention| {
        let words = f32::from(u8::try_from(mention.end - mention.start).unwrap_or(u8::MAX));
        mention.targets.iter().map(|meant| meant.weight).fold(0.0, f32::max) + 1.7 * words
    };
    found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    let mut kept: Vec<Mention> = Vec::new();
    for mention in found {
        if kept.iter().all(|other| mention.end <= other.start || other.end <= mention.start) {
            kept.push(mention);
        }
    }
    kept.sort_by_key(|mention| mention.start);
    kept
}

/// A word that people cut short, in full.
fn spelt_out(word: &str) -> &str {
    match word {
        "KEP" => "KEPULAUAN",
        "UTR" | "UT" | "UTRA" => "UTARA",
        "SEL" | "SLT" | "SLTN" => "SELATAN",
        "BRT" | "BAR" => "BARAT",
        "TIM" | "TMR" => "TIMUR",
        "TENG" | "TGH" | "TNGH" => "TENGAH",
        "TGR" | "TENGG" => "TENGGARA",
        "TJ" | "TJG" | "TG" => "TANJUNG",
        "SEI" | "SG" | "S" | "SUNGEI" => "SUNGAI",
        "GN" | "GNG" => "GUNUNG",
        "BKT" => "BUKIT",
        "TB" => "TEBING",
        "TLK" => "TELUK",
        "P" | "PULO" => "PULAU",
        "PDG" => "PADANG",
        "BT" => "BATU",
        "KP" | "KMP" | "KPG" => "KAMPUNG",
        "MA" | "MR" => "MUARA",
        "HULU" => "ULU",
        "JKT" => "JAKARTA",
        "SUM" => "SUMATERA",
        "KAL" => "KALIMANTAN",
        "SUL" => "SULAWESI",
        "JOGJAKARTA" => "YOGYAKARTA",
        "SUMATRA" => "SUMATERA",
        "BDG" => "BANDUNG",
        "MLG" => "MALANG",
        "PKL" => "PANGKAL",
        "BJR" => "BANJAR",
        "BTG" => "BONTANG",
        word => word,
    }
}

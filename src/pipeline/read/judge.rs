//! The rules by which the blocks of a label become readings, a region and a reason.
//!
//! 1. Only the recipient's lines count: those below a word such as `KEPADA`. Without one a block of addresses counts
//!    only beside that of a sender who is named as such or beside smaller print, and less: couriers print the recipient
//!    larger. Two addresses of which neither is named nor larger, in different regencies of one region, tell the region
//!    and nothing else: it is the recipient's, whoever that is.
//! 2. Two recipients that lead to different regencies, two waybills, or two papers with print are several labels.
//! 3. A country or a place abroad is no destination of any lane.
//! 4. Names and postal code are weighed together ([`address`](crate::pipeline::read::address)). A heavy witness for
//!    the other region that the rest does not outweigh by far is a contradiction.
//! 5. A postal code alone is enough if it exists and its first digit is sure: the codes that a misread digit would
//!    make weigh against it.
//! 6. The digits in the five boxes of a letter are the recipient's, and weighed with the lines.
//! 7. What is left gets a probability; below the threshold of `[read]` it goes to the exception lane.
//!
//! A wrong lane costs more than a manual one, so every doubt goes the manual way. Sort codes printed large are no
//! witnesses: one label in twelve of a courier that changed hubs carries another hub's.

use std::collections::BTreeSet;

use crate::pipeline::read::address::{Address, REGIONS, weigh};
use crate::pipeline::read::bars::Bar;
use crate::pipeline::read::blocks::{Block, SHORT, blocks, glyphs};
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::keywords::{Role, begins_street, level_of};
use crate::pipeline::read::names::Names;
use crate::pipeline::read::text::{Glyph, Line};
use crate::pipeline::read::tokens::{Kind, Token, tokens};
use crate::pipeline::read::waybill::{is_number, waybill};
use crate::record::{Reading, Readings, Reason};

/// What a label comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// What was read.
    pub readings: Readings,
    /// The recipient's region, `JAWA` or `LUAR_JAWA`, where the address tells one.
    pub region: Option<&'static str>,
    /// Why there is none, or `None` where the region is as sure as `confidence` says.
    pub refused: Option<Reason>,
    /// Probability that the region is right, 0 to 1.
    pub confidence: f32,
}

/// Less than this is no address.
const ADDRESS: f32 = 9.0;
/// What a block without a keyword must weigh to count as the recipient's.
const UNNAMED: f32 = 13.0;
/// A witness against the better region that weighs so much contradicts, unless the rest outweighs it by [`FAR`].
const HEAVY: f32 = 6.0;
const FAR: f32 = 9.0;
/// The recipient's print is at least so much larger than the sender's. Of 39 labels of a depot the least was 1.02 times
/// as large, the middle one 1.24; of generated ones 0.87 and 1.35.
const LARGER: f32 = 1.12;
/// From this weight on what follows another keyword may be the other party's address.
const PARTY: f32 = 4.5;

/// What makes an address less sure than its weights: the logistic's coefficients, in nats.
mod weights {
    /// The recipient's block has no keyword.
    pub(super) const UNNAMED: f32 = -2.0;
    /// Nothing but its larger print says that it is the recipient's.
    pub(super) const BY_SIZE: f32 = -1.0;
    /// Its keyword was misread, for each mistake.
    pub(super) const MISREAD: f32 = -0.4;
    /// Lines of it were put together from several blocks.
    pub(super) const SCATTERED: f32 = -0.7;
    /// No sender was named: its lines may be among the recipient's.
    pub(super) const NO_SENDER: f32 = -0.5;
    /// A number that looks like a postal code and is none.
    pub(super) const ODD_CODE: f32 = -0.8;
    /// The nets' mean probability of a character, below 1.
    pub(super) const BLURRED: f32 = -4.0;
}

/// Judges the lines and barcodes of a picture, and the digits in the boxes of a letter.
pub fn judge(
    lines: &[Line],
    bars: &[Bar],
    boxed: &[Glyph],
    gazetteer: &Gazetteer,
    names: &Names,
) -> (Judged, Vec<Option<Role>>) {
    let blocks = blocks(lines);
    let awb = waybill(lines, &blocks, bars);
    let mut roles = vec![None; lines.len()];
    for block in &blocks {
        block.lines.iter().for_each(|&at| roles[at] = block.role);
    }
    let mut judged = match with_boxes(recipient(lines, &blocks, gazetteer, names), boxed, gazetteer, names) {
        Ok(party) => {
            for &at in party.lines.iter().filter(|_| !party.any) {
                roles[at] = Some(Role::Recipient);
            }
            decide(&party, gazetteer)
        }
        Err(reason) => Judged { refused: Some(reason), ..Judged::default() },
    };
    judged.readings.awb = awb;
    if judged.refused.is_none() && waybills(bars) > 1 {
        judged.refused = Some(Reason::SeveralLabels);
    }
    (judged, roles)
}

/// How many waybills the codes name. A number within a QR code's link or fields may well be another one, an order's.
fn waybills(bars: &[Bar]) -> usize {
    let sure = bars.iter().filter(|bar| bar.p > 0.9 && is_number(&bar.text));
    sure.map(|bar| bar.text.as_str()).collect::<BTreeSet<_>>().len()
}

/// The recipient's address and what speaks for its being the recipient's.
struct Party {
    address: Address,
    lines: Vec<usize>,
    /// The characters that the address was read from.
    text: Vec<Glyph>,
    /// Sum of [`weights`] that apply.
    doubt: f32,
    /// The recipient is one of several in the same region: only the region is known.
    any: bool,
}

fn recipient(lines: &[Line], blocks: &[Block], gazetteer: &Gazetteer, names: &Names) -> Result<Party, Reason> {
    let of = |role: Option<Role>| blocks.iter().filter(move |block| block.role == role);
    let weighed = |block: &Block| weigh(&glyphs(lines, block), gazetteer, names);
    // A line by itself is no address: courier, service, sort code.
    let loose = || of(None).filter(|block| block.lines.len() > 1);
    let sender = of(Some(Role::Sender)).count() > 0;
    let no_sender = if sender { 0.0 } else { weights::NO_SENDER };
    let named: Vec<(&Block, Address)> = of(Some(Role::Recipient)).map(|block| (block, weighed(block))).collect();
    let strong: Vec<&Address> =
        named.iter().map(|(_, address)| address).filter(|address| address.weight() >= ADDRESS).collect();
    if strong.windows(2).any(|pair| pair[0].regency.map(|found| found.what) != pair[1].regency.map(|found| found.what))
    {
        return Err(Reason::SeveralLabels);
    }
    if !named.is_empty() {
        let cost = named.iter().map(|(block, _)| block.cost).fold(0.0, f32::max);
        let doubt = no_sender + weights::MISREAD * cost;
        let party = match &named[..] {
            [(block, address)] => party(lines, &[block], address.clone(), doubt),
            _ => together(
                lines,
                &named.iter().map(|(block, _)| *block).collect::<Vec<_>>(),
                doubt + weights::SCATTERED,
                gazetteer,
                names,
            ),
        };
        if party.address.weight() >= ADDRESS || party.address.abroad {
            return Ok(party);
        }
        // The address stands apart from its keyword: take the one block that is an address and has no other owner, and
        // beside which no other party's print is larger.
        let loose: Vec<&Block> = loose().filter(|block| weighed(block).weight() >= ADDRESS).collect();
        let larger = |than: &Block| {
            let size = print(lines, than).unwrap_or_default();
            let mut parties = of(None).filter(|block| *block != than && tells_of_a_party(lines, block));
            parties.any(|block| print(lines, block).is_some_and(|other| other > size * LARGER))
        };
        if let ([block], true) = (&loose[..], sender)
            && !larger(block)
        {
            let mut parts: Vec<&Block> = named.iter().map(|(block, _)| *block).collect();
            parts.push(block);
            return Ok(together(lines, &parts, doubt + 2.0 * weights::SCATTERED, gazetteer, names));
        }
        return Ok(party);
    }
    let loose: Vec<(&Block, Address)> =
        loose().map(|block| (block, weighed(block))).filter(|(_, address)| address.weight() >= UNNAMED).collect();
    // Who else may be meant: a sender who is named, and whoever else has something of an address.
    let others = blocks.iter().filter(|block| match block.role {
        Some(Role::Sender) => true,
        None => loose.iter().all(|(one, _)| one != block) && tells_of_a_party(lines, block),
        _ => weighed(block).weight() >= PARTY,
    });
    match &loose[..] {
        [] => Err(Reason::NoRead),
        // One whose own address is elsewhere: otherwise this may be what his keyword lost.
        [(block, address)] if of(Some(Role::Sender)).any(|block| weighed(block).weight() >= ADDRESS) => {
            Ok(party(lines, &[block], address.clone(), weights::UNNAMED))
        }
        several => by_size(lines, several, others).or_else(|| of_one_region(lines, several)).ok_or(Reason::Unsure),
    }
}

/// Of one or two addresses the one in larger print than all `others`.
fn by_size<'a>(
    lines: &[Line],
    found: &[(&'a Block, Address)],
    others: impl Iterator<Item = &'a Block>,
) -> Option<Party> {
    let sized = found.iter().map(|(block, address)| Some((print(lines, block)?, *block, address)));
    let mut ranked = sized.collect::<Option<Vec<_>>>()?;
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let ((largest, block, address), rest) = ranked.split_first()?;
    let smaller = rest.iter().map(|(size, ..)| Some(*size)).chain(others.map(|block| print(lines, block)));
    let smaller = smaller.collect::<Option<Vec<_>>>()?;
    let stands_out =
        (1..=3).contains(&smaller.len()) && rest.len() < 2 && smaller.iter().all(|size| size * LARGER <= *largest);
    stands_out.then(|| party(lines, &[block], (*address).clone(), weights::UNNAMED + weights::BY_SIZE))
}

/// Whether there is a telephone number, a street or a district in a block, however badly the rest was read.
fn tells_of_a_party(lines: &[Line], block: &Block) -> bool {
    let of_one = |token: &Token| {
        token.kind == Kind::Phone || level_of(&token.letters).is_some() || begins_street(&token.letters)
    };
    tokens(&glyphs(lines, block)).iter().any(of_one)
}

/// How large the print of a block is: the middle one of its lines' capitals, in pixels; none where no line says.
fn print(lines: &[Line], block: &Block) -> Option<f32> {
    let long = block.lines.iter().map(|&at| &lines[at]).filter(|line| line.glyphs.len() >= SHORT);
    let mut sizes: Vec<f32> = long.map(|line| line.cap).collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied()
}

/// Several addresses in different regencies of one region: the one that is least sure of it stands for all.
fn of_one_region(lines: &[Line], several: &[(&Block, Address)]) -> Option<Party> {
    let regencies = several.iter().filter_map(|(_, address)| address.regency).map(|found| found.what);
    let apart = several.len() > 1 && regencies.collect::<BTreeSet<_>>().len() == several.len();
    let together = several.windows(2).all(|pair| pair[0].1.region() == pair[1].1.region());
    let (block, address) = several.iter().min_by(|a, b| a.1.p().total_cmp(&b.1.p()))?;
    let party = party(lines, &[block], address.clone(), weights::UNNAMED);
    (apart && together).then_some(Party { any: true, ..party })
}

/// The recipient as the digits in the boxes confirm, contradict or replace him.
fn with_boxes(
    found: Result<Party, Reason>,
    boxed: &[Glyph],
    gazetteer: &Gazetteer,
    names: &Names,
) -> Result<Party, Reason> {
    if boxed.is_empty() {
        return found;
    }
    let party = match found {
        Ok(party) if !party.any => party,
        Ok(_) | Err(Reason::NoRead | Reason::Unsure) => {
            Party { address: Address::default(), lines: Vec::new(), text: Vec::new(), doubt: 0.0, any: false }
        }
        Err(reason) => return Err(reason),
    };
    let word = "KODE POS ".chars().map(|c| Glyph { c, p: 1.0, other: None });
    let mut text = party.text;
    text.extend(word.chain(boxed.iter().copied()));
    text.push(Glyph { c: '\n', p: 1.0, other: None });
    Ok(Party { address: weigh(&text, gazetteer, names), text, ..party })
}

/// The address that blocks make together.
fn together(lines: &[Line], parts: &[&Block], doubt: f32, gazetteer: &Gazetteer, names: &Names) -> Party {
    let text: Vec<Glyph> = parts.iter().flat_map(|block| glyphs(lines, block)).collect();
    party(lines, parts, weigh(&text, gazetteer, names), doubt)
}

fn party(lines: &[Line], parts: &[&Block], address: Address, doubt: f32) -> Party {
    let text: Vec<Glyph> = parts.iter().flat_map(|block| glyphs(lines, block)).collect();
    let read = text.iter().filter(|glyph| !matches!(glyph.c, '\n' | ' '));
    let (mut sum, mut count) = (0.0, 0.0f32);
    for glyph in read {
        sum += glyph.p;
        count += 1.0;
    }
    let blurred = weights::BLURRED * (1.0 - sum / count.max(1.0));
    let lines = parts.iter().flat_map(|block| block.lines.iter().copied()).collect();
    Party { address, lines, text, doubt: doubt + blurred, any: false }
}

/// From weights to a region, a reason and fields with their probabilities.
fn decide(party: &Party, gazetteer: &Gazetteer) -> Judged {
    let address = &party.address;
    let odd = f32::from(u16::try_from(address.odd_codes).unwrap_or(u16::MAX));
    let p = address.p().clamp(1e-6, 1.0 - 1e-6);
    let logit = (p / (1.0 - p)).ln().min(9.0) + party.doubt + weights::ODD_CODE * odd;
    let confidence = 1.0 / (1.0 + (-logit).exp());
    let refused = if address.abroad {
        Some(Reason::Unknown)
    } else if address.weight() < ADDRESS / 2.0 {
        Some(Reason::NoRead)
    } else if address.against >= HEAVY && address.weight() - address.other_weight() < FAR {
        Some(Reason::Disagree)
    } else {
        None
    };
    let reading = |value: &str, p: f32| Reading { value: value.to_owned(), confidence: p.min(confidence.max(0.5)) };
    let known = refused != Some(Reason::Unknown) && refused != Some(Reason::NoRead);
    let told = known && !party.any;
    let readings = Readings {
        awb: None,
        postal_code: address
            .code
            .filter(|_| told)
            .map(|code| Reading { value: format!("{:05}", code.what), confidence: code.p }),
        province: address
            .province
            .filter(|found| told && found.p > 0.5)
            .map(|found| reading(gazetteer.provinces[usize::from(found.what)], found.p)),
        regency: address
            .regency
            .filter(|found| told && found.p > 0.5)
            .map(|found| reading(gazetteer.regencies[usize::from(found.what)].name, found.p)),
    };
    Judged { readings, region: known.then(|| REGIONS[address.region()]), refused, confidence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::number;

    fn judged(texts: &[&str]) -> Judged {
        let gazetteer = Gazetteer::shipped().unwrap();
        let names = Names::of(&gazetteer);
        // An empty text leaves a gap.
        let lines: Vec<Line> = (0u8..)
            .zip(texts)
            .filter(|(_, text)| !text.is_empty())
            .map(|(at, text)| Line::sure(text, 0.0, 20.0 * f32::from(at)))
            .collect();
        judge(&lines, &[], &[], &gazetteer, &names).0
    }

    #[test]
    fn the_recipient_decides_and_not_the_sender() {
        let found = judged(&[
            "KEPADA: Made Chaniago 0826-xxxx-1332",
            "JL. MERDEKA No. 18 - SIPIRA - kabupaten SAMOSIR -",
            "kec ONAN Runggu - Sumut - 22398",
            "PENGIRIM: Gudang Gadget 88",
            "KEC. TIRTO - PEKALONGAN - JATENG POS 51151",
        ]);
        assert_eq!((found.region, found.refused), (Some("LUAR_JAWA"), None), "{found:?}");
        assert!(found.confidence > 0.98, "{found:?}");
        assert_eq!(found.readings.postal_code.unwrap().value, "22398");
        assert_eq!(found.readings.regency.unwrap().value, "KABUPATEN SAMOSIR");
    }

    #[test]
    fn the_boxes_of_a_letter_say_the_postal_code() {
        let gazetteer = Gazetteer::shipped().unwrap();
        let names = Names::of(&gazetteer);
        let boxed = |code: &str| code.chars().map(|c| Glyph { c, p: 0.99, other: None }).collect::<Vec<_>>();
        let lines = [Line::sure("KEPADA: Budi", 0.0, 0.0), Line::sure("Kec. Limo, Kota Depok", 0.0, 20.0)];
        for (lines, code, region, refused) in [
            (&lines[..], "16515", Some("JAWA"), None),
            (&[], "22398", Some("LUAR_JAWA"), None),
            (&lines[..], "22398", None, Some(Reason::Disagree)),
            (&[], "88123", None, None),
        ] {
            let found = judge(lines, &[], &boxed(code), &gazetteer, &names).0;
            assert_eq!(found.refused, refused, "{code}: {found:?}");
            assert!(code != "88123" || found.confidence < 0.9, "no code begins with 88: {found:?}");
            if let Some(region) = region {
                assert_eq!(found.region, Some(region), "{code}");
                assert_eq!(found.readings.postal_code.as_ref().map(|reading| reading.value.as_str()), Some(code));
            }
        }
    }

    #[test]
    fn two_addresses_of_one_region_tell_the_region_alone() {
        let found = judged(&[
            "Gudang Gadget",
            "Kec. Tirto, Kab. Pekalongan, Jateng 51151",
            "",
            "",
            "",
            "Bpk. Made",
            "Kec. Limo, Kota Depok, Jawa Barat 16437",
        ]);
        assert_eq!((found.region, found.refused), (Some("JAWA"), None), "{found:?}");
        assert!(found.confidence > 0.98, "{found:?}");
        assert_eq!((found.readings.postal_code, found.readings.regency, found.readings.province), (None, None, None));
    }

    #[test]
    fn without_a_keyword_the_larger_print_is_the_recipients() {
        let gazetteer = Gazetteer::shipped().unwrap();
        let names = Names::of(&gazetteer);
        let large = ["Gudang Gadget 88", "Kec. Tirto, Kab. Pekalongan", "Jateng 51151"];
        let small = ["Bpk. Made Chaniago", "Jl. Merdeka 18, Kab. Samosir", "Sumut 22398"];
        let unread = ["Rtw kanwq Hp 0812-3456-7890", "Jl. kcn 8 Ab"];
        for (other, cap, region, refused) in [
            (&small[..], 10.0, Some("JAWA"), None),
            (&small[..], 12.0, None, Some(Reason::Unsure)),
            (&unread[..], 10.0, Some("JAWA"), None),
            (&unread[..], 12.0, None, Some(Reason::Unsure)),
            (&["Express 3 kg"][..], 10.0, None, Some(Reason::Unsure)),
        ] {
            let line =
                |text: &&str, cap, place: usize| Line { cap, ..Line::sure(text, 0.0, number::length(place) * 20.0) };
            let mut lines: Vec<Line> = (0..).zip(&large).map(|(place, text)| line(text, 12.5, place)).collect();
            lines.extend((9..).zip(other).map(|(place, text)| line(text, cap, place)));
            let found = judge(&lines, &[], &[], &gazetteer, &names).0;
            assert_eq!((found.region, found.refused), (region, refused), "{other:?} of {cap}: {found:?}");
            assert!(refused.is_some() || found.confidence > 0.98, "{found:?}");
            let code = found.readings.postal_code.map(|reading| reading.value);
            assert_eq!(code.as_deref(), refused.is_none().then_some("51151"));
        }
    }

    #[test]
    fn each_doubt_has_its_reason() {
        for (texts, reason) in [
            (vec!["PENGIRIM: Gudang Gadget", "Kec. Tirto, Kab. Pekalongan, Jateng 51151"], Some(Reason::NoRead)),
            (vec!["Gudang Gadget", "Kec. Tirto, Kab. Pekalongan, Jateng 51151"], Some(Reason::Unsure)),
            (
                vec!["Toko Budi", "Kota Depok, Jabar 16437", "", "", "", "Ani", "Kab. Samosir, Sumut 22398"],
                Some(Reason::Unsure),
            ),
            (vec!["KEPADA: Budi", "Kab. Samosir, Sumut 16437"], Some(Reason::Disagree)),
            (vec!["KEPADA: Ahmad", "Taman Daya, Johor Bahru 81100", "Malaysia"], Some(Reason::Unknown)),
            (
                vec!["KEPADA: Budi", "Kab. Samosir, Sumut 22398", "", "", "", "KEPADA: Ani", "Kota Depok, Jabar 16437"],
                Some(Reason::SeveralLabels),
            ),
            (vec!["KEPADA: Budi Santoso", "terima kasih"], Some(Reason::NoRead)),
            (vec![], Some(Reason::NoRead)),
            (vec!["KEPADA: Budi, Kota Depok, Jabar 16437"], None),
            (vec!["KEPADA: Rina", "Desa Singapura, Kab. Ogan Komering Ulu, Sumsel 32156"], None),
        ] {
            let found = judged(&texts);
            assert_eq!(found.refused, reason, "{texts:?}: {found:?}");
        }
    }
}

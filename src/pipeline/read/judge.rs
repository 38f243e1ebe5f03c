//! The rules by which the blocks of a label become readings, a region and a reason.
//!
//! 1. Only the recipient's lines count: those below a word such as `KEPADA`. Without one a block of addresses counts
//!    only beside that of a sender who is named as such or beside smaller print, and less: couriers print the recipient
//!    larger. Two addresses of which neither is named nor larger, in different regencies of one region, tell the region
//!    and nothing else: it is the recipient's, whoever that is.
//! 2. Two recipients that lead to different regencies, two waybills, or two papers with print are several labels.
//! 3. A country or a place abroad is no destination of any lane.
//! 4. Names and postal code are weighed together ([`address`](crate::pipeline::read::address)). A place of the other region
//!    that is surely named before the address is complete is a contradiction, and so is any heavy witness for that
//!    region that the rest does not outweigh by far: another party's lines may stand among the recipient's.
//! 5. A postal code alone is enough if it exists and its first digit is sure: the codes that a misread digit would
//!    make weigh against it.
//! 6. The digits in the five boxes of a letter are the recipient's, and weighed with the lines.
//! 7. What is marked as a return goes to its sender, and no lane knows where that is.
//! 8. What is left gets a probability; below the threshold of `[read]` it goes to the exception lane.
//!
//! A wrong lane costs more than a manual one, so every doubt goes the manual way. Sort codes printed large are no
//! witnesses: one label in twelve of a courier that changed hubs carries another hub's.

use std::collections::BTreeSet;

use crate::pipeline::read::address::REGIONS;
use crate::pipeline::read::bars::Bar;
use crate::pipeline::read::blocks::blocks;
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::keywords::Role;
use crate::pipeline::read::names::Names;
use crate::pipeline::read::recipient::{ADDRESS, Label, Party};
use crate::pipeline::read::text::{Glyph, Line};
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

impl Judged {
    /// Notes that there are several labels: also where little or nothing was read, since a table of waybills would else
    /// stand in for that.
    pub fn note_several(&mut self) {
        if matches!(self.refused, None | Some(Reason::NoRead | Reason::Unsure)) {
            self.refused = Some(Reason::SeveralLabels);
        }
    }
}

/// Places of the other region that are surely named and weigh so much together contradict: a sender's address may stand
/// among the recipient's, and outweigh a brief one.
const NAMED: f32 = 4.0;
/// So does a code, or a word that may be a place's name, unless the rest outweighs it by [`FAR`].
const HEAVY: f32 = 6.0;
const FAR: f32 = 9.0;
/// A number that looks like a postal code and is none takes so much away, in nats of the logistic.
const ODD_CODE: f32 = -0.8;

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
    let mut judged = match Label::new(lines, &blocks, gazetteer, names).recipient(boxed) {
        Ok(party) => {
            for &at in party.lines.iter().filter(|_| !party.any) {
                roles[at] = Some(Role::Recipient);
            }
            decide(&party, gazetteer)
        }
        Err(reason) => Judged { refused: Some(reason), ..Judged::default() },
    };
    judged.readings.awb = awb;
    if waybills(bars) > 1 {
        judged.note_several();
    }
    (judged, roles)
}

/// How many waybills the codes name. A number within a QR code's link or fields may well be another one, an order's.
fn waybills(bars: &[Bar]) -> usize {
    let sure = bars.iter().filter(|bar| bar.p > 0.9 && is_number(&bar.text));
    sure.map(|bar| bar.text.as_str()).collect::<BTreeSet<_>>().len()
}

/// From weights to a region, a reason and fields with their probabilities.
fn decide(party: &Party, gazetteer: &Gazetteer) -> Judged {
    let address = &party.address;
    let odd = f32::from(u16::try_from(address.odd_codes).unwrap_or(u16::MAX));
    let p = address.p().clamp(1e-6, 1.0 - 1e-6);
    let logit = (p / (1.0 - p)).ln().min(9.0) + party.doubt + ODD_CODE * odd;
    let confidence = 1.0 / (1.0 + (-logit).exp());
    let refused = if address.abroad {
        Some(Reason::Unknown)
    } else if address.weight() < ADDRESS / 2.0 {
        Some(Reason::NoRead)
    } else if address.names_against >= NAMED
        || (address.against >= HEAVY && address.weight() - address.other_weight() < FAR)
    {
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
    use std::sync::LazyLock;

    use super::*;
    use crate::pipeline::read::bars::Kind;
    use crate::pipeline::read::heads::parted;
    use crate::pipeline::read::number;
    use crate::pipeline::read::text::Point;

    static PLACES: LazyLock<(Gazetteer, Names)> = LazyLock::new(|| {
        let gazetteer = Gazetteer::shipped().unwrap();
        let names = Names::of(&gazetteer);
        (gazetteer, names)
    });

    fn judged(texts: &[&str]) -> Judged {
        // An empty text leaves a gap.
        let lines: Vec<Line> = (0u8..)
            .zip(texts)
            .filter(|(_, text)| !text.is_empty())
            .flat_map(|(at, text)| parted(Line::sure(text, 0.0, 20.0 * f32::from(at))))
            .collect();
        judged_lines(&lines)
    }

    fn judged_lines(lines: &[Line]) -> Judged {
        judge(lines, &[], &[], &PLACES.0, &PLACES.1).0
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

    /// Two parties, the first without a keyword, in different regions; `head` is what stands above the second one.
    fn two_parties(first: &str, head: &str) -> Judged {
        let rest = ["Made Chaniago", "Jl. Merdeka 18, Kec. Onan Runggu", "Kab. Samosir, Sumatera Utara 22398"];
        let sender = [first, "Jl. Dago 5, Kec. Coblong", "Kota Bandung, Jawa Barat 40135", "", "", "", ""];
        judged(&[&sender[..], &[head], &rest[..]].concat())
    }

    #[test]
    fn words_that_are_nearly_keywords_name_nobody_or_the_recipient() {
        for (first, head, region) in [
            ("Toko Gadget 88", "Alamat Pengiriman:", Some("LUAR_JAWA")),
            ("Toko Gadget 88", "DATA PENGIRIMAN", Some("LUAR_JAWA")),
            ("Toko Gadget 88", "Shipped to:", Some("LUAR_JAWA")),
            ("Toko Gadget 88", "Pengiriman: Reguler", None),
            ("Kepala Sekolah SMAN 3", "Bapak", None),
            ("Kepala Sekolah SMAN 3", "Kepada Yth.", Some("LUAR_JAWA")),
            ("KEPADO Sekolah SMAN 3", "Bapak", None),
        ] {
            let found = two_parties(first, head);
            assert_eq!(found.region, region, "{first}, {head}: {found:?}");
        }
        let village = ["Toko Jaya", "Kec. Coblong, Kota Bandung", "Jawa Barat 40135", "", "", "", "Made Chaniago"];
        let found = judged(&[&village[..], &["Sonder, Kab. Minahasa, Sulawesi Utara 95691"]].concat());
        assert_eq!(found.refused, Some(Reason::Unsure), "{found:?}");
    }

    const SENDER: [&str; 3] = ["PENGIRIM: SINAR JAYA", "KEC. COBLONG, KOTA BANDUNG", "JAWA BARAT 40135"];
    const COURIER: [&str; 3] =
        ["PT Global Jet Express", "Jl. Pluit Selatan Raya, Penjaringan", "Kota Jakarta Utara, DKI Jakarta 14450"];

    #[test]
    fn an_address_apart_from_the_recipients_keyword_is_his_only_where_nobody_elses_is_likelier() {
        let (gap, far) = (&[""][..], &["", "", "", ""][..]);
        let brief = ["PENERIMA: RINA 0812-3456-7890", "JL. PETTARANI 5, MAKASSAR", ""];
        let bare = ["PENERIMA: RINA", "0812-3456-7890", "", ""];
        let loose = ["Jl. Pluit Selatan Raya, Penjaringan", "Kota Jakarta Utara, DKI Jakarta 14450"];
        for (texts, region) in [
            // The sender's own, cut off from his keyword.
            ([&bare[..], &["PENGIRIM: SINAR JAYA"], far, &SENDER[1..]].concat(), None),
            // The courier's, above or below.
            ([&brief[..], &SENDER, far, &COURIER].concat(), None),
            ([&COURIER[..], far, &brief, &SENDER].concat(), None),
            ([&COURIER[..], far, &bare, &SENDER].concat(), None),
            ([&SENDER[..], far, &COURIER].concat(), None),
            // Another region than the recipient's own lines say.
            ([&brief[..], far, &loose, far, &SENDER].concat(), None),
            // Below the sender.
            ([&bare[..], &SENDER, far, gap, &loose].concat(), None),
            ([&bare[..], gap, &loose, far, gap, &SENDER].concat(), Some("JAWA")),
        ] {
            let found = judged(&texts);
            assert_eq!(found.region.filter(|_| found.confidence >= 0.98), region, "{texts:?}: {found:?}");
        }
    }

    #[test]
    fn what_stands_beside_the_rows_of_the_recipients_form_is_his() {
        let left = ["PENERIMA", "Nama :", "Alamat :", "Kota :"];
        let right = ["Rina Saputri", "Jl. Pettarani 5, Kec. Panakkukang", "Kota Makassar 90231"];
        let column = |texts: &[&str], x: f32, y: f32| -> Vec<Line> {
            (0u8..).zip(texts).map(|(at, text)| Line::sure(text, x, y + 20.0 * f32::from(at))).collect()
        };
        let lines = [column(&left, 0.0, 0.0), column(&right, 260.0, 20.0)].concat();
        let found = judged_lines(&lines);
        assert_eq!((found.region, found.refused), (Some("LUAR_JAWA"), None), "{found:?}");
    }

    #[test]
    fn a_senders_address_among_the_recipients_lines_gets_no_lane() {
        let brief = "Jl. Pettarani 5, Makassar";
        for (own, head) in [
            ("Jl. Pettarani 5, Kec. Panakkukang, Makassar", "Dr: Toko Jaya 0857-1111-2222"),
            ("Jl. Pettarani 5, Kec. Panakkukang, Makassar", "Toko Jaya 0857-1111-2222"),
            ("Jl. Pettarani 5, Kec. Panakkukang, Makassar", "Toko Jaya"),
            ("Jl. Pettarani 5, Panakkukang, Makassar", "Alamat Pengembalian: Gudang Toko Jaya"),
            (brief, "Pgrm: Toko Jaya"),
            (brief, "Toko Jaya"),
            ("Jl. Sam Ratulangi 3, Minahasa", "Toko Jaya"),
            // No place was read: a second telephone, a second road.
            ("Komplek Asri", "Toko Jaya 0857-1111-2222"),
            ("Jl. Pettarani 5", "Toko Jaya"),
        ] {
            let sender = [head, "Jl. Dago 5, Kec. Coblong", "Kota Bandung, Jawa Barat 40135"];
            let found = judged(&[&["Penerima: Rina 0812-3456-7890", own][..], &sender].concat());
            let sorted = found.region.filter(|_| found.refused.is_none() && found.confidence >= 0.98);
            assert_ne!(sorted, Some("JAWA"), "{own}, {head}: {found:?}");
        }
        let within = "Penerima: Rina, Kec. Panakkukang, Kota Makassar. Pengirim: Toko Jaya, Kota Bandung, Jabar 40135";
        let found = judged(&[within]);
        assert_eq!((found.region, found.refused), (Some("LUAR_JAWA"), None), "{found:?}");
        let broken =
            ["Penerima: Rina, Jl. Pettarani 5, Makassar. Pengirim: Toko", "Jaya, Kota Bandung, Jawa Barat 40135"];
        assert_eq!(judged(&broken).refused, Some(Reason::Disagree));
    }

    #[test]
    fn a_second_number_or_place_that_is_the_recipients_own_is_no_doubt() {
        for texts in [
            // What stands behind a complete address is somebody else's.
            vec![
                "KEPADA: Made 0812-3456-7890",
                "Kec. Onan Runggu, Kab. Samosir, Sumut 22398",
                "0857-1111-2222",
                "Kota Bandung",
            ],
            vec!["KEPADA: Made 0812-3456-7890", "0857-1111-2222", "Kec. Onan Runggu, Kab. Samosir, Sumut 22398"],
            vec!["KEPADA: Made", "Banjar Wonosari No 5", "Kec. Onan Runggu, Kab. Samosir, Sumut 22398"],
            vec!["KEPADA: Made", "Jl. Surabaya 5, Kec. Onan Runggu", "Kab. Samosir, Sumut 22398"],
        ] {
            let found = judged(&texts);
            assert_eq!((found.region, found.refused), (Some("LUAR_JAWA"), None), "{texts:?}: {found:?}");
            assert!(found.confidence >= 0.98, "{texts:?}: {found:?}");
        }
        let kotabaru = ["KEPADA: Made", "Kotabaru, Kec. Gondokusuman, Yogyakarta", "DIY 55224"];
        assert_eq!(judged(&kotabaru).refused, None, "a village of that name is there, as in many places");
    }

    #[test]
    fn a_house_number_is_no_sort_code() {
        for number in ["C2 / 12", "B5 NO 12", "A5/12", "LT 2 NO 5"] {
            let [head, rest @ ..] = SENDER;
            let texts = [&["PENERIMA: MADE", "0812-3456-7890", "", head, number][..], &rest].concat();
            let found = judged(&texts);
            assert_eq!(found.refused, Some(Reason::NoRead), "{number}: {found:?}");
            let own = ["PENERIMA: MADE", "PERUM GRIYA ASRI", number, "KEC. ONAN RUNGGU, KAB. SAMOSIR", "SUMUT 22398"];
            let found = judged(&own);
            assert_eq!((found.region, found.refused), (Some("LUAR_JAWA"), None), "{number}: {found:?}");
        }
    }

    #[test]
    fn a_block_of_houses_is_no_list_of_goods() {
        for house in ["Perum Griya Blok X3 No 5", "Perum X2", "Jl. Mawar No X5"] {
            let found =
                judged(&["PENERIMA: MADE", house, "Kota Makassar, Sulawesi Selatan 90111", "PENGIRIM: SINAR JAYA"]);
            assert_eq!((found.region, found.refused), (Some("LUAR_JAWA"), None), "{house}: {found:?}");
        }
        let found = judged(&["PENERIMA: MADE", "Kota Makassar 90111", "Kaos Polos Bandung x3"]);
        assert_eq!(found.refused, None, "{found:?}");
    }

    #[test]
    fn two_waybills_are_several_labels_though_nothing_was_read() {
        let bar = |text: &str| Bar {
            kind: Kind::Code128,
            text: text.into(),
            p: 0.995,
            middle: Point::default(),
            size: (9.0, 9.0),
        };
        let (one, other) = (bar("JX5889102176"), bar("TLJN6937881951"));
        let refused = |bars: &[Bar]| judge(&[], bars, &[], &PLACES.0, &PLACES.1).0.refused;
        assert_eq!(refused(&[one.clone(), other]), Some(Reason::SeveralLabels));
        assert_eq!(refused(&[one.clone(), one]), Some(Reason::NoRead));
        for (before, after) in [
            (None, Reason::SeveralLabels),
            (Some(Reason::Unsure), Reason::SeveralLabels),
            (Some(Reason::Disagree), Reason::Disagree),
        ] {
            let mut judged = Judged { refused: before, ..Judged::default() };
            judged.note_several();
            assert_eq!(judged.refused, Some(after));
        }
    }

    #[test]
    fn a_label_that_is_marked_as_a_return_gets_no_lane() {
        let own = ["", "", "Penerima: Made", "Kec. Onan Runggu, Kab. Samosir, Sumut 22398", "", "", ""];
        for (mark, refused) in [
            (vec!["RETUR"], Some(Reason::Disagree)),
            (vec!["Return to sender"], Some(Reason::Disagree)),
            (vec!["* RTS *"], Some(Reason::Disagree)),
            (vec!["RETUR", "Kancil Kirim"], Some(Reason::Disagree)),
            (vec!["RETUR:", "Gudang Jaya, Kota Bandung, Jabar 40135"], None),
            (vec!["RETUR", "Gudang Jaya, Kota Bandung, Jabar 40135"], None),
            (vec!["RT 5"], None),
            (vec!["Retur 7 hari"], None),
        ] {
            for texts in [[&mark[..], &own].concat(), [&own[..], &mark].concat()] {
                assert_eq!(judged(&texts).refused, refused, "{texts:?}");
            }
        }
    }

    #[test]
    fn the_boxes_of_a_letter_say_the_postal_code() {
        let boxed = |code: &str| code.chars().map(|c| Glyph { c, p: 0.99, other: None }).collect::<Vec<_>>();
        let lines = [Line::sure("KEPADA: Budi", 0.0, 0.0), Line::sure("Kec. Limo, Kota Depok", 0.0, 20.0)];
        for (lines, code, region, refused) in [
            (&lines[..], "16515", Some("JAWA"), None),
            (&[], "22398", Some("LUAR_JAWA"), None),
            (&lines[..], "22398", None, Some(Reason::Disagree)),
            (&[], "88123", None, None),
        ] {
            let found = judge(lines, &[], &boxed(code), &PLACES.0, &PLACES.1).0;
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
            let found = judged_lines(&lines);
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

//! What a label says about where it goes: regions, provinces, regencies and postal codes.

pub mod address;
pub mod bars;
pub mod blocks;
pub mod code128;
pub mod codes;
pub mod ctc;
pub mod distance;
pub mod find;
pub mod gazetteer;
pub mod judge;
pub mod keywords;
pub mod mentions;
pub mod names;
pub mod strip;
pub mod text;
pub mod tokens;
pub mod waybill;

/// The region that a postal code lies in: `JAWA` or `LUAR_JAWA`; `None` for what is no Indonesian code.
///
/// The first digit decides, without exception in 83,762 villages; no code begins with 0, nor with
/// 18, 19, 47, 48, 49, 88 or 89.
pub fn region_of(postal_code: &str) -> Option<&'static str> {
    let digits = postal_code.as_bytes();
    if digits.len() != 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match postal_code.get(..2)? {
        "18" | "19" | "47" | "48" | "49" | "88" | "89" => None,
        code => match code.as_bytes()[0] {
            b'1' | b'4' | b'5' | b'6' => Some("JAWA"),
            b'2' | b'3' | b'7' | b'8' | b'9' => Some("LUAR_JAWA"),
            _ => None,
        },
    }
}

/// The region of a province by its name in capitals.
pub fn region_of_province(province: &str) -> &'static str {
    match province {
        "BANTEN" | "DKI JAKARTA" | "JAWA BARAT" | "JAWA TENGAH" | "DI YOGYAKARTA" | "JAWA TIMUR" => "JAWA",
        _ => "LUAR_JAWA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digit_tells_the_region_and_impossible_codes_tell_nothing() {
        for (code, region) in [
            ("16424", Some("JAWA")),
            ("60111", Some("JAWA")),
            ("20111", Some("LUAR_JAWA")),
            ("98511", Some("LUAR_JAWA")),
            ("01234", None),
            ("18123", None),
            ("1642", None),
            ("1642x", None),
            ("１６４２４", None),
        ] {
            assert_eq!(region_of(code), region, "{code}");
        }
    }
}
